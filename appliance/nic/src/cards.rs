//! Cards by vendor and device on PCI. The table is `cards.csv`, sorted; its sources are paths under the kernel's source,
//! read in Linux 6.1.

use std::sync::LazyLock;

use ravelin_model::{HardwareProbe, PciId};

use crate::drivers::{self, Driver};

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) pci: PciId,
    /// The driver the source is of.
    pub(crate) driver: &'static str,
    pub(crate) model: &'static str,
    /// Why this card takes no rules that route, though its driver does for others.
    pub(crate) cannot_route: Option<&'static str>,
    pub(crate) source: &'static str,
}

static CARDS: LazyLock<Vec<Card>> = LazyLock::new(|| lines().filter_map(parse).collect());

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("cards.csv").lines().skip(1)
}

fn parse(line: &'static str) -> Option<Card> {
    let mut fields = line.split(',');
    let mut field = || fields.next();
    let (vendor, device) = field()?.split_once(':')?;
    let card = Card {
        pci: PciId {
            vendor: u16::from_str_radix(vendor, 16).ok()?,
            device: u16::from_str_radix(device, 16).ok()?,
        },
        driver: field()?,
        model: field()?,
        cannot_route: limit(field()?)?,
        source: field()?,
    };
    field().is_none().then_some(card)
}

/// What a word of the column `limit` means; None: no such word.
fn limit(word: &str) -> Option<Option<&'static str>> {
    match word {
        "" => Some(None),
        "no_rewrite" => Some(Some(
            "the card cannot rewrite headers: ConnectX-5 is the first that can (Linux commit 6c2257062e4d, mlx5e-pedit)",
        )),
        "virtual_function" => Some(Some(
            "a virtual function has no physical port to forward to; the rules of its card belong to the physical function",
        )),
        _ => None,
    }
}

/// The kernel's index of every loopback interface, which has no driver (include/net/flow.h, LOOPBACK_IFINDEX).
const LOOPBACK: u32 = 1;

fn find(pci: PciId) -> Option<&'static Card> {
    let place = CARDS.binary_search_by_key(&pci, |card| card.pci).ok()?;
    CARDS.get(place)
}

/// Which driver and card an interface has, as far as the tables know them.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    driver: Result<&'static Driver, String>,
    pci: Option<PciId>,
    card: Option<&'static Card>,
}

impl Identity {
    pub(crate) fn of(probe: &HardwareProbe) -> Self {
        let driver = match probe.driver.as_deref() {
            Some(name) => drivers::find(name).ok_or_else(|| format!("the driver {name} is in no table")),
            None if probe.index == LOOPBACK => {
                drivers::find("loopback").ok_or_else(|| "the loopback interface is in no table".to_owned())
            }
            None => Err("the kernel names no driver of the interface".to_owned()),
        };
        Self {
            driver,
            pci: probe.pci,
            card: probe.pci.and_then(find),
        }
    }

    /// The driver at work, or why it is not known.
    pub(crate) fn driver(&self) -> Result<&'static Driver, String> {
        self.driver.clone()
    }

    pub(crate) fn pci(&self) -> Option<PciId> {
        self.pci
    }

    pub(crate) fn card(&self) -> Option<&'static Card> {
        self.card
    }

    /// Family, by the driver.
    pub(crate) fn family(&self) -> Option<&'static str> {
        self.driver.as_ref().ok().map(|driver| driver.family)
    }

    /// Model, by the card.
    pub(crate) fn model(&self) -> Option<&'static str> {
        self.card.map(|card| card.model)
    }

    /// Where the card is written.
    pub(crate) fn source(&self) -> Option<&'static str> {
        self.card.map(|card| card.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_card_of_a_known_driver() {
        for line in lines() {
            let card = parse(line).unwrap_or_else(|| panic!("{line}"));
            assert!(drivers::find(card.driver).is_some(), "{line}");
            assert!(!card.model.is_empty() && !card.source.is_empty(), "{line}");
        }
    }

    #[test]
    fn cards_are_sorted_and_there_once() {
        assert!(CARDS.is_sorted_by(|one, next| one.pci < next.pci));
    }

    #[track_caller]
    fn check(pci: (u16, u16), expected: Option<(&str, &str)>) {
        let pci = PciId {
            vendor: pci.0,
            device: pci.1,
        };
        assert_eq!(find(pci).map(|card| (card.driver, card.model)), expected, "{pci}");
    }

    #[test]
    fn a_card_is_found_by_vendor_and_device() {
        check((0x15b3, 0x1017), Some(("mlx5_core", "ConnectX-5")));
        check((0x15b3, 0xa2dc), Some(("mlx5_core", "BlueField-3")));
        check((0x8086, 0x1572), Some(("i40e", "X710 SFP+")));
        check((0x8086, 0x1592), Some(("ice", "E810-C QSFP")));
        check((0x8086, 0x10d3), Some(("e1000e", "82574L")));
        check((0x14e4, 0x16d7), Some(("bnxt_en", "BCM57414")));
        check((0x15b3, 0xffff), None);
        // Devices of two vendors may have the same number.
        check((0x8086, 0x1017), Some(("e1000", "82540EP")));
    }
}
