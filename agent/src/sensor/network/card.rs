//! What an interface is, and what its link is at the moment, from `/sys/class/net/NAME`.

use crate::sensor::network::link::Link;
use crate::sensor::placeholder::is_placeholder;
use crate::sensor::sample::clean;
use crate::sensor::{part, source};
use std::path::Path;
use tram_proto::component::Component;

/// An interface that is a piece of hardware, with its address as serial; none for others.
pub(super) fn read(class: &Path) -> Option<Component> {
    let device = std::fs::canonicalize(class.join("device")).ok()?;
    let mut card = part::new("network", &source::name(class));
    card.model = clean(&model(&device));
    let address = source::word(&class.join("address")).filter(|address| !is_placeholder(address));
    card.serial = clean(&address.unwrap_or_default());
    card.figures = part::figures(&[("mtu_bytes", source::number(&class.join("mtu")))]);
    Some(card)
}

/// Its driver, and who made it: words where the device has them (USB), the numbers of the PCI list otherwise.
fn model(device: &Path) -> String {
    let word = |file: &str| source::word(&device.join(file));
    let driver = std::fs::read_link(device.join("driver")).ok().map(|driver| source::name(&driver));
    let number = |file: &str| word(file).map(|number| number.trim_start_matches("0x").to_owned());
    // The interface of a USB device lies below the device itself.
    let named =
        [word("../manufacturer"), word("../product")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let made = match (number("vendor"), number("device")) {
        (Some(vendor), Some(device)) => format!("{vendor}:{device}"),
        _ => named,
    };
    [driver.unwrap_or_default(), made]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Its link. Files refuse to be read while there is none; -1 and 0 stand for a speed that is not known.
pub(super) fn link(class: &Path) -> Link {
    let is_up = source::word(&class.join("operstate")).is_some_and(|state| state == "up");
    let megabits =
        source::number(&class.join("speed")).filter(|megabits| is_up && (1.0..4e9).contains(megabits));
    let full_duplex = match source::word(&class.join("duplex")).filter(|_| megabits.is_some()).as_deref() {
        Some("full") => Some(true),
        Some("half") => Some(false),
        _ => None,
    };
    // A radio's speed changes by the second, and says nothing of a cable.
    let is_radio = class.join("wireless").exists() || class.join("phy80211").exists();
    if is_radio {
        Link::default()
    } else {
        Link { megabits: megabits.map(|megabits| megabits as u64), full_duplex }
    }
}
