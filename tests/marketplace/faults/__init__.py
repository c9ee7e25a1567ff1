"""What GitHub, git and the network may do to us, and the reaction, looked at in the log of the server.

One line for each fault that was promised, with its main test; all tests of a fault carry its number:
``pytest -m fault``. ``test_table.py`` sees to it that no number is missing.

==  ================================================  ================================================================
1   403, quota used up: parked until the reset         test_limits.py::test_nothing_is_asked_before_the_reset_and_the_job_is_parked
2   429 with Retry-After: waits; git goes on           test_limits.py::test_it_comes_back_no_sooner_than_it_was_told
3   403 for the pace: 60 s, doubling                   marketplace/test_sweep.py::test_fault_3_a_secondary_limit_holds_for_rest_too_and_not_for_git
4   403 for a permission: at once, no retry            marketplace/test_limits.py::test_fault_4_a_missing_permission_closes_nothing
5   a reset that is past, absurd or missing            test_limits.py::test_an_odd_reset_is_waited_for_between_a_second_and_two_hours
6   a Retry-After that is a date, negative, a word     test_limits.py::test_an_odd_retry_after
7   GraphQL: 200 that is a limit                       marketplace/test_sweep.py::test_fault_1_and_7_a_used_up_quota_defers_the_rest_and_a_retry_before_the_reset_asks_nothing
8   GraphQL: one repository missing among fifty        upstream/test_github_batch.py::test_fault_8_one_bad_repository_among_fifty
9   GraphQL: 502 or timeout: halved, remembered        upstream/test_github_batch.py::test_fault_9_a_query_that_is_too_much_is_halved_and_the_size_remembered
10  GraphQL: a text cut off: never half a file         test_contents.py::test_no_text_is_asked_of_graphql_and_none_is_kept_in_half
11  304: nothing written, free with a token            test_answers.py::test_not_modified_writes_nothing_but_when_it_was_looked_at
12  304 though nothing is known                        test_answers.py::test_not_modified_where_nothing_is_known_is_asked_once_more_without_condition
13  one tag, another token or form                     test_answers.py::test_what_one_token_saw_says_nothing_to_another
14  301: followed once; circles end                    test_repositories.py::test_a_rename_is_followed_once_and_then_known
15  the old name has another repository                test_repositories.py::test_a_stranger_under_the_old_name_is_asked_for_nothing_but_who_it_is
16  a redirect to another host: without the token      upstream/test_github_requests.py::test_another_port_is_another_host
17  404: tried by id, unreachable, entries stay        test_repositories.py::test_one_that_is_gone_is_tried_by_its_id_and_left_alone_longer_each_time
18  401: the token is not used again                   marketplace/test_limits.py::test_fault_18_a_refused_token_is_sent_once_and_never_dropped_silently
19  409: an empty repository                           test_repositories.py::test_an_empty_repository_is_an_empty_catalog_and_its_first_push_is_seen
20  451, or 403 with a block: once a week              test_repositories.py::test_what_was_taken_down_says_why_and_is_asked_once_a_week
21  500, 502, 503 with HTML: three times, pauses       test_answers.py::test_one_that_stays_is_asked_three_times_with_growing_pauses
22  200 with broken or other JSON                      test_answers.py::test_another_shape_is_an_error_after_one_more_try_and_old_data_stays
23  closed before the status line; reset               test_answers.py::test_a_fault_that_passes_is_not_noticed
24  shorter than its length; a chunk cut off           test_answers.py::test_a_fault_that_passes_is_not_noticed
25  gzip without its trailer                           test_answers.py::test_a_fault_that_passes_is_not_noticed
26  an archive cut off, in the middle or at its end    test_contents.py::test_a_cut_archive_gives_no_half_file
27  a trickle                                          upstream/test_github_faults.py::test_a_trickle_is_given_up_long_before_the_deadline
28  endless, exploding                                 test_answers.py::test_an_endless_or_exploding_answer_is_cut_off_and_not_asked_for_again
29  an archive that climbs, links, repeats             test_contents.py::test_hostile_members_of_an_archive_go_nowhere
30  an archive that lacks or rewrites files            test_contents.py::test_an_archive_that_lacks_and_rewrites_files_makes_the_same_catalog
31  a tree that is cut off: nothing is removed         test_contents.py::test_a_listing_too_large_to_walk_removes_nothing
32  a tree of 100,000 entries: one call                upstream/test_github_listing.py::test_a_tree_of_a_hundred_thousand
33  links, submodules, LFS, NUL, encodings, 5 MB       test_contents.py::test_modes_and_contents_of_every_kind
34  odd paths and refs                                 test_contents.py::test_odd_paths_are_kept_exactly_and_are_in_no_url
35  bytes that are not the blob's                      test_contents.py::test_wrong_bytes_are_asked_for_in_another_way_and_then_given_up
36  a force push                                       test_repositories.py::test_a_force_push_is_only_another_listing
37  a push between two questions                       test_repositories.py::test_a_push_between_two_questions_changes_nothing_of_the_snapshot
38  the default branch renamed; a pinned ref gone      test_repositories.py::test_another_default_branch_is_taken_from_head
39  pages that lead in circles                         test_contents.py::test_no_answer_comes_in_pages_and_none_is_followed
40  two workers; a storm of deliveries                 test_interruptions.py::test_a_storm_of_a_hundred_asks_for_two_scans_at_most
41  deliveries unsigned, replayed, of no concern       test_interruptions.py::test_a_delivery_that_is_not_githubs_is_refused_and_asks_nothing
42  killed in the middle; the database locked          test_interruptions.py::test_a_scan_that_was_killed_reads_no_file_twice
43  git: 429, 503, pack cut, ERR, old servers, hangs   test_hosts.py::test_where_git_fails_the_api_takes_over
44  no name, no connection, no TLS, a proxy's 407      test_hosts.py::test_a_connection_that_is_refused
45  a server's clock that is wrong                     test_limits.py::test_a_servers_wrong_clock_makes_no_wait_longer_or_shorter
==  ================================================  ================================================================
"""  # noqa: E501 - names of tests are as long as they are
