//! The real daemon in real namespaces under real traffic; everything is asked for over REST. The tests are in
//! `tests/it`, the commands of the README and of `scripts/up` in `tests/docs`. Both need root and
//! `scripts/build kernel`; without root they are skipped unless `RAVELIN_REQUIRE` names `netns`.
