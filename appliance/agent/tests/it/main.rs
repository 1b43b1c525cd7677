//! The agent as a process, with the real RAUC, bundles signed by keys of the test and slots that are files. Needs
//! root: it runs a bus and the service of RAUC. Installing bundles is that of the format `plain`, since not every
//! kernel that tests run on has dm-verity; what is refused is refused of the format `verity`, the image's.

mod box_of;
mod fetches;
mod power;
mod refusals;
mod slots;
mod trials;
mod workshop;
