"""Users and groups: Django's own pages, with the lists of this site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.base import BaseAdmin
from skillmeat_site.core.admin.history import History

User = get_user_model()


class ListedUserAdmin(BaseAdmin, UserAdmin):
    history = History.FORMS
    change_form_template = None
    search_help_text = _("Search by name or e-mail address.")


class ListedGroupAdmin(BaseAdmin, GroupAdmin):
    history = History.FORMS
    change_form_template = None
    search_help_text = _("Search by name.")
    empty_text = _("A group gives all of its users the same permissions.")


for _model, _page in ((User, ListedUserAdmin), (Group, ListedGroupAdmin)):
    admin.site.unregister(_model)
    admin.site.register(_model, _page)
