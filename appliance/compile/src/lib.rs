//! Pure compilers: values of the model in, bytes of the data plane out. Nothing here opens, waits or sleeps.

mod address_image;
mod name_hash;
mod name_image;

pub use address_image::{AddressImage, AddressSource, ImageTooLarge};
pub use name_image::{NameImage, NameSource, SetMembers};
