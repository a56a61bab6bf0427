//! Interfaces made of several, as `/proc/net/bonding` has them: whether all members carry their share. Pure.

/// No address: a neighbour that does not speak the protocol.
const NOBODY: &str = "00:00:00:00:00:00";

/// A bond.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bond {
    /// Its mode, as the kernel words it.
    pub mode: String,
    /// Whether it has a link at all.
    pub is_up: bool,
    /// Its neighbour by LACP (`802.3ad`), where it should have one.
    partner: Option<String>,
    /// In the order of the file.
    pub members: Vec<Member>,
}

/// One of its members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// The interface.
    pub name: String,
    /// Whether it has a link.
    pub is_up: bool,
    /// Its own address: in a bond all answer to the same one.
    pub address: String,
}

/// From the text of one file.
pub fn parse(text: &str) -> Bond {
    let mut bond = Bond::default();
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let (key, value) = (key.trim(), value.trim());
        match (key, bond.members.last_mut()) {
            ("Slave Interface", _) => {
                bond.members.push(Member { name: value.to_owned(), ..Member::default() });
            }
            ("Bonding Mode", _) => value.clone_into(&mut bond.mode),
            ("MII Status", Some(member)) => member.is_up = value == "up",
            ("MII Status", None) => bond.is_up = value == "up",
            ("Permanent HW addr", Some(member)) => value.clone_into(&mut member.address),
            ("Partner Mac Address", None) => bond.partner = Some(value.to_owned()),
            _ => {}
        }
    }
    bond
}

impl Bond {
    /// Why it carries less than it should. Empty: it does not.
    pub fn reasons(&self) -> Vec<String> {
        let down = self.members.iter().filter(|member| !member.is_up);
        let mut reasons: Vec<String> =
            down.map(|member| format!("member {} has no link", member.name)).collect();
        if self.is_up && self.partner.as_deref() == Some(NOBODY) {
            reasons.push("no LACP partner".into());
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::recorded_files;

    #[test]
    fn members_and_their_links_are_read() {
        let text = "Ethernet Channel Bonding Driver: v3.7.1\n\nBonding Mode: fault-tolerance (active-backup)\nMII Status: up\n\nSlave Interface: eth0\nMII Status: up\nPermanent HW addr: 02:00:00:00:00:01\n\nSlave Interface: eth1\nMII Status: down\n";
        let bond = parse(text);
        assert!(bond.is_up && bond.mode.starts_with("fault-tolerance"));
        assert_eq!(bond.members[0].address, "02:00:00:00:00:01");
        assert_eq!(bond.reasons(), ["member eth1 has no link"]);
        assert!(parse("nonsense").reasons().is_empty());
    }

    #[test]
    fn recorded_bonds_are_told_apart() {
        let mut read = 0;
        for (name, path) in recorded_files("sysfs-proc/linuxfabrik/network-bonding") {
            let bond = parse(&std::fs::read_to_string(&path).unwrap());
            assert_eq!((bond.members.len(), bond.is_up), (2, true), "{name}");
            let has_lost_one = bond.reasons().iter().any(|reason| reason.ends_with("has no link"));
            assert_eq!(has_lost_one, name.contains("nok"), "{name}");
            read += 1;
        }
        assert!(read == 0 || read == 8);
    }
}
