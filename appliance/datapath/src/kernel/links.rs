//! Links: one for each hook of an interface, pinned, replaced in place.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

use aya_obj::generated::{BPF_F_BEFORE, XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
use ravelin_model::{Hook, XdpMode};

use super::objects::LoadedProgram;
use super::sys;
use crate::DatapathError;

/// A place for a link; its pin is named by it, so that the next process knows the mode of an XDP link too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) hook: Hook,
    pub(super) mode: Option<XdpMode>,
}

impl Place {
    pub(super) const ALL: [Self; 4] = [
        Self {
            hook: Hook::Xdp,
            mode: Some(XdpMode::Native),
        },
        Self {
            hook: Hook::Xdp,
            mode: Some(XdpMode::Generic),
        },
        Self {
            hook: Hook::TcIngress,
            mode: None,
        },
        Self {
            hook: Hook::TcEgress,
            mode: None,
        },
    ];

    /// Places of a hook, the preferred first.
    pub(super) fn of(hook: Hook) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |place| place.hook == hook)
    }

    fn name(self) -> &'static str {
        match (self.hook, self.mode) {
            (Hook::Xdp, Some(XdpMode::Generic)) => "xdp_generic",
            (hook, _) => hook.name(),
        }
    }

    fn flags(self) -> u32 {
        match self.mode {
            Some(XdpMode::Native) => XDP_FLAGS_DRV_MODE,
            Some(XdpMode::Generic) => XDP_FLAGS_SKB_MODE,
            // Before the programs of others, so that we count what they drop.
            None => BPF_F_BEFORE,
        }
    }

    /// The pin of a link at this place of an interface.
    pub(super) fn pin(self, directory: &Path, interface: u32) -> PathBuf {
        directory.join(format!("{}-{interface}", self.name()))
    }

    /// The place and interface a pin is named by.
    pub(super) fn of_pin(pin: &Path) -> Option<(Self, u32)> {
        let (name, interface) = pin.file_name()?.to_str()?.rsplit_once('-')?;
        let place = Self::ALL.into_iter().find(|place| place.name() == name)?;
        Some((place, interface.parse().ok()?))
    }
}

/// What a pin turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pinned {
    /// Nothing there.
    Nothing,
    /// A link whose interface is gone, or which was detached by force: of no use any more.
    Defunct,
    /// At work with this program.
    Live { program: u32 },
}

/// Looks at a pin.
pub(super) fn inspect(pin: &Path, interface: u32) -> Result<Pinned, DatapathError> {
    let looked = sys::open_pin(pin).and_then(|link| sys::link_info(link.as_fd()));
    match looked {
        Ok(info) if info.interface == interface => Ok(Pinned::Live {
            program: info.program,
        }),
        Ok(_) => Ok(Pinned::Defunct),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Pinned::Nothing),
        Err(source) => Err(DatapathError::Pin {
            action: "open",
            path: pin.to_owned(),
            source,
        }),
    }
}

/// Takes the program off, if it still sits there, and removes the pin. Killed in between, it leaves a defunct link.
pub(super) fn remove(pin: &Path) -> Result<(), DatapathError> {
    let detached = sys::open_pin(pin).and_then(|link| sys::detach_link(link.as_fd()));
    match fs::remove_file(pin) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(DatapathError::Pin {
                action: "remove",
                path: pin.to_owned(),
                source,
            });
        }
    }
    if let Err(error) = detached {
        // Without its pin the kernel takes it off all the same, a little later.
        tracing::debug!(pin = %pin.display(), %error, "the link was not detached, only unpinned");
    }
    Ok(())
}

/// Whether a link is at work at the place with our program: the one there before, its program replaced in
/// place if it was another's. A link of no use is removed.
pub(super) fn adopt(pin: &Path, interface: u32, program: &LoadedProgram) -> Result<bool, DatapathError> {
    match inspect(pin, interface)? {
        Pinned::Nothing => Ok(false),
        Pinned::Live { program: id } if id == program.id => Ok(true),
        Pinned::Defunct => remove(pin).map(|()| false),
        Pinned::Live { .. } => {
            let fd = program.fd()?.as_fd();
            let replaced = sys::open_pin(pin).and_then(|link| sys::update_link(link.as_fd(), fd));
            match replaced {
                Ok(()) => Ok(true),
                Err(error) => {
                    tracing::warn!(
                        pin = %pin.display(),
                        %error,
                        "the program behind a link cannot be replaced, the link is made anew"
                    );
                    remove(pin).map(|()| false)
                }
            }
        }
    }
}

/// Replaces the program behind a link in place, atomically. A link whose interface is gone meanwhile is passed over.
pub(super) fn replace(pin: &Path, interface: u32, program: &LoadedProgram) -> Result<(), DatapathError> {
    let fd = program.fd()?.as_fd();
    let replaced = sys::open_pin(pin).and_then(|link| sys::update_link(link.as_fd(), fd));
    match replaced {
        Ok(()) => Ok(()),
        Err(source) => match inspect(pin, interface)? {
            Pinned::Nothing | Pinned::Defunct => Ok(()),
            Pinned::Live { .. } => Err(DatapathError::Pin {
                action: "replace the program behind",
                path: pin.to_owned(),
                source,
            }),
        },
    }
}

/// Attaches and pins. A link that cannot be pinned is no link.
pub(super) fn create(
    place: Place,
    pin: &Path,
    interface: u32,
    attach_type: u32,
    program: BorrowedFd<'_>,
) -> io::Result<()> {
    let link = sys::create_link(program, interface, attach_type, place.flags())?;
    sys::pin(link.as_fd(), pin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_tells_its_place_and_interface() {
        let directory = Path::new("links");
        for place in Place::ALL {
            let pin = place.pin(directory, 65535);
            assert_eq!(Place::of_pin(&pin), Some((place, 65535)), "{}", pin.display());
        }
        for other in ["xdp", "xdp-", "xdp-x", "-1", "other-1", "xdp-4294967296"] {
            assert_eq!(Place::of_pin(&directory.join(other)), None, "{other}");
        }
    }
}
