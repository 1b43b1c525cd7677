//! The image, booted; everything is asked for as an operator would.
