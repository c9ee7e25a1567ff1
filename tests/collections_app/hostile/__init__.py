"""Hostile and unlucky input of refreshes, indexes and project caches: real repositories, a real disk, a real database.

Every line of the list that was promised, and the test that proves it: told with its code, nothing lost, the rest goes
on, and the good run afterwards. ``test_table.py`` sees to it that each test is there.

=========================================  ===========================================================================
collection directory gone                  test_collections.py::test_the_directory_is_gone
collection directory gone, its manifest    test_collections.py::test_the_manifest_is_gone
unreadable file                            test_collections.py::test_a_file_that_cannot_be_read
a pipe in the place of a file              test_collections.py::test_a_pipe_in_the_place_of_a_file
manifest that cannot be understood         test_collections.py::test_a_manifest_that_cannot_be_understood
manifest with unknown type                 test_collections.py::test_an_unknown_type
two artifacts with one path                test_collections.py::test_two_artifacts_with_one_path
manifest with what no database takes       collections_app/services/test_indexing.py::test_what_no_database_takes
two artifacts with one name in the index   test_collections.py::test_two_names_that_no_database_tells_apart
lock without manifest                      test_collections.py::test_a_lock_without_a_manifest
a path that leads out                      test_collections.py::test_a_record_whose_path_leads_out
clock moved back, collections              test_collections.py::test_a_clock_that_was_moved_back
clock moved back, projects                 cache_app/test_refreshing.py::test_a_clock_that_was_moved_back
upstream renamed                           test_upstreams.py::test_renamed
upstream renamed, by batches               collections_app/refresh/test_batches.py::test_one_that_was_renamed_is_followed
upstream renamed, the name taken           test_upstreams.py::test_another_repository_under_the_name
force-pushed                               test_upstreams.py::test_force_pushed
force-pushed between plan and apply        test_upstreams.py::test_force_pushed_after_the_plan
artifact moved upstream                    collections_app/refresh/test_moves.py::test_a_sync_follows_it_and_the_second_does_nothing
artifact moved upstream and changed        collections_app/refresh/test_moves.py::test_moved_and_changed_is_not_found_and_stays
path now a submodule                       test_upstreams.py::test_a_submodule_in_its_place
path now a link                            test_upstreams.py::test_a_link_in_its_place
path now a file                            test_upstreams.py::test_a_file_in_its_place
a submodule inside it                      test_upstreams.py::test_a_submodule_inside_it
damaged in the mirror                      test_upstreams.py::test_one_damaged_file_fails_its_artifact_alone
names no disk can hold                     collections_app/refresh/test_kinds.py::test_a_tree_that_no_disk_can_hold_is_told_by_the_dry_run
a link that leads out                      collections_app/refresh/test_kinds.py::test_a_link_that_leaves_the_artifact_is_told_by_the_dry_run
a project on a vanished mount, found       cache_app/test_discovering.py::test_a_root_that_is_away_removes_nothing
a project on a vanished mount, empty       cache_app/test_discovering.py::test_a_mount_point_without_its_file_system_removes_nothing
a project on a vanished mount, refreshed   test_projects.py::test_a_vanished_mount
200 projects of which 5 broken             cache_app/test_refreshing.py::test_two_hundred_projects_of_which_five_are_broken
a project that cannot be read              cache_app/test_faces.py::test_an_unreadable_project_is_an_error_row_and_exit_1
=========================================  ===========================================================================
"""  # noqa: E501 - names of tests are as long as they are
