"""Hostile input, through the whole of it: real git, a real server, REST or a command, a real database.

Every line of the list that was promised, and the test that proves it: code or warning, what to do about it, no entry
lost, the source's state, and the good scan afterwards. ``test_table.py`` sees to it that each test is there.

=========================================  ===========================================================================
wrong token                                test_transport.py::test_a_wrong_token
wrong token, GitHub's API                  upstream/test_github_refusals.py::test_a_wrong_token_and_a_private_repository
repository gone                            test_transport.py::test_a_repository_that_is_gone
taken down                                 test_transport.py::test_a_host_at_fault
taken down, GitHub's API                   upstream/test_github_refusals.py::test_a_repository_that_was_taken_down_tells_why
empty repository                           test_transport.py::test_a_repository_that_became_empty
empty from the start                       marketplace/test_services_rescan.py::test_an_empty_repository_holds_nothing
ref --upload-pack=x                        test_addresses.py::test_a_ref_that_is_an_option_or_none
ref --upload-pack=x in the row             test_addresses.py::test_a_ref_that_got_into_the_row_runs_nothing
URL ext::                                  test_addresses.py::test_a_transport_that_runs_things
URL ext:: in the row                       test_addresses.py::test_a_transport_that_got_into_the_row_runs_nothing
file:// and paths outside the roots        test_addresses.py::test_paths_outside_the_roots
a link that leads out later                marketplace/test_services_rescan_failures.py::test_a_link_put_in_its_place_does_not_lead_out
private-range hosts                        test_addresses.py::test_hosts_of_private_ranges
redirects to private-range hosts           test_addresses.py::test_a_redirect_into_the_private_range
redirects to anything else                 test_addresses.py::test_a_redirect_to_something_else
foo/foo.github.io                          test_addresses.py::test_a_repository_called_github_io
the same source in another spelling        test_addresses.py::test_the_same_source_in_another_spelling
truncated tree                             test_trees.py::test_a_truncated_tree_removes_nothing_and_says_so
truncated tree, GitHub's API               upstream/test_github_listing.py::test_a_walk_gives_the_same_listing
50,000-path tree                           test_trees.py::test_fifty_thousand_paths_are_read_to_the_last
newline, right-to-left, NFD, case, 2,700   test_trees.py::test_odd_names_are_kept_byte_for_byte_and_apart
the same, printed                          marketplace/test_commands_entries.py::test_hostile_names_are_printed_as_escapes
paths that are not UTF-8                   test_trees.py::test_names_that_are_not_utf_8_are_told_and_hide_no_other
U+0000, YAML, bomb, 5 MB, CRLF, BOM,       test_documents.py::test_an_odd_skill_is_the_same_entry
Latin-1, LFS pointer                       test_documents.py::test_an_odd_skill_is_the_same_entry
the same where content decides             test_documents.py::test_what_cannot_be_read_is_not_taken_for_gone
symlink loops                              test_trees.py::test_links_that_lead_in_circles_or_out_are_told_and_not_followed
submodule in .claude/skills                test_trees.py::test_a_submodule_in_the_place_of_skills_takes_none_away
pack cut off                               test_transport.py::test_a_pack_cut_off_at_every_length_leaves_a_working_mirror
archive cut off, GitHub's API              upstream/test_github_content.py::test_every_cut_is_an_error_or_harmless
server that hangs                          test_transport.py::test_a_host_that_never_ends
server that hangs, GitHub's API            upstream/test_github_faults.py::test_a_host_that_never_finishes_is_given_up_and_ticks_meanwhile
wrong blob bytes on the host               test_transport.py::test_wrong_bytes_on_the_host
wrong blob bytes in the mirror             test_transport.py::test_wrong_bytes_in_the_mirror
wrong blob bytes, GitHub's API             upstream/test_github_content.py::test_bytes_that_stay_wrong_are_an_error
force push                                 test_transport.py::test_a_force_push
force push during the scan                 test_transport.py::test_a_force_push_between_two_questions
killed worker mid-scan                     marketplace/test_processes.py::test_a_killed_scan_leaves_the_catalog_and_is_taken_over
killed cluster mid-scan                    e2e/test_worker.py::test_a_cluster_killed_in_the_middle_leaves_the_catalog_and_its_job_is_done_again
full disk below the mirrors                test_processes.py::test_no_room_for_the_mirror
full disk below the database               test_processes.py::test_no_room_for_the_database
=========================================  ===========================================================================
"""  # noqa: E501 - names of tests are as long as they are
