//! The image, booted; everything is asked for as an operator would.

mod bad_store;
mod figures;
mod fresh;
mod install_page;
mod power_cut;
mod script;
mod update;
