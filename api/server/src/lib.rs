//! The REST router.
