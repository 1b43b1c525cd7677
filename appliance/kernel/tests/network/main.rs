//! Plans brought to the kernel, beside ip(8). Needs root. VLAN devices and bonds are what some kernels do not have; the
//! one of the image does, and `RAVELIN_REQUIRE` says `vlan` and `bond` where they must not be skipped.

mod faults;
mod in_force;
mod made_links;
mod others;
mod support;
