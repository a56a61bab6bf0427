//! Who is in the province: agencies, sites and hosts for a number of hosts and a seed. Pure: the same two numbers give
//! the same province. Knows nothing of values or of the wire.

use crate::fleet::dice::Dice;
use crate::fleet::names;
use serde::{Deserialize, Serialize};

/// An agency's place in the administration, in the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgencyKind {
    /// The province itself.
    Province,
    /// A provincial department.
    Department,
    /// A district.
    District,
    /// A commune.
    Commune,
}

/// What a host is, in the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// Always on.
    Server,
    /// Off in the evening.
    Workstation,
    /// Off in the evening, and now and then all day.
    Laptop,
}

impl HostKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Workstation => "workstation",
            Self::Laptop => "laptop",
        }
    }
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agency {
    /// Unique in the province.
    pub name: String,
    /// Place in the administration.
    pub kind: AgencyKind,
    /// Name of the agency above.
    pub parent: Option<String>,
}

/// A place with an uplink; each agency has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Name of its agency.
    pub agency: String,
    /// The agency's path from the province down, as `enrollment create --agency` takes it.
    pub path: String,
    /// Name.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// How many hosts stand there: uses that its enrolment token needs.
    pub hosts: u32,
    /// What the names of its hosts begin with.
    pub prefix: String,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Host name, unique in the province.
    pub name: String,
    /// What it is.
    pub kind: HostKind,
    /// Name of its agency.
    pub agency: String,
    /// Name of its site.
    pub site: String,
}

/// A whole province. As JSON, what `fleet plan` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was made from.
    pub seed: u64,
    /// Each after the agency above it.
    pub agencies: Vec<Agency>,
    /// In the order of the agencies.
    pub sites: Vec<Site>,
    /// By site.
    pub hosts: Vec<Host>,
}

/// Middle of the province.
const LATITUDE: f64 = 22.62;
const LONGITUDE: f64 = 104.86;

impl Plan {
    /// A province of so many hosts.
    pub fn new(seed: u64, hosts: usize) -> Self {
        let mut dice = Dice::new(seed, "plan");
        let mut plan = Self { seed, agencies: vec![], sites: vec![], hosts: vec![] };
        plan.add_agencies(hosts, &mut dice);
        plan.add_hosts(hosts, &mut dice);
        plan
    }

    /// The host of a name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name == name)
    }

    /// One line for each site that has hosts: agency's path, site, number of hosts, with tabs between them. For shells.
    pub fn lines(&self) -> String {
        let line = |site: &Site| format!("{}\t{}\t{}\n", site.path, site.name, site.hosts);
        self.sites.iter().filter(|site| site.hosts > 0).map(line).collect()
    }

    fn add_agencies(&mut self, hosts: usize, dice: &mut Dice) {
        let departments = (hosts / 60 + 2).min(names::DEPARTMENTS.len());
        let districts = (hosts / 120 + 1).min(names::DISTRICTS.len());
        let communes = (hosts / 20 + 2).min(150);
        let province = names::PROVINCE;
        self.add(
            province,
            AgencyKind::Province,
            None,
            names::CENTRE,
            "ttdl",
            (LATITUDE, LONGITUDE),
            "đường Nguyễn Trãi",
            dice,
        );
        for (name, short, street) in names::DEPARTMENTS.iter().take(departments) {
            let near = around((LATITUDE, LONGITUDE), 0.02, dice);
            let site = format!("Trụ sở {name}");
            self.add(name, AgencyKind::Department, Some(province), &site, short, near, street, dice);
        }
        let mut seats = Vec::new();
        for name in names::DISTRICTS.iter().take(districts) {
            let seat = around((LATITUDE, LONGITUDE), 0.42, dice);
            let full = format!("Huyện {name}");
            let site = format!("Trụ sở UBND huyện {name}");
            self.add(
                &full,
                AgencyKind::District,
                Some(province),
                &site,
                &names::ascii(name),
                seat,
                "đường 19-5",
                dice,
            );
            seats.push((full, seat));
        }
        for (place, name) in names::communes(self.seed).into_iter().take(communes).enumerate() {
            let (district, seat) = &seats[place % seats.len()];
            let near = around(*seat, 0.11, dice);
            let (full, site) = (format!("Xã {name}"), format!("Trụ sở UBND xã {name}"));
            let prefix = format!("xa-{}", names::ascii(&name));
            self.add(&full, AgencyKind::Commune, Some(district), &site, &prefix, near, "đường liên xã", dice);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a row of a table, written out where it is made")]
    fn add(
        &mut self,
        name: &str,
        kind: AgencyKind,
        parent: Option<&str>,
        site: &str,
        prefix: &str,
        (latitude, longitude): (f64, f64),
        street: &str,
        dice: &mut Dice,
    ) {
        let within = match parent {
            Some(parent) if parent != names::PROVINCE => format!("{name}, {parent}, {}", names::PROVINCE),
            Some(_) if kind == AgencyKind::District => format!("{name}, {}", names::PROVINCE),
            Some(_) | None => format!("Phường Trung Tâm, {}", names::PROVINCE),
        };
        let above = parent.and_then(|parent| self.sites.iter().find(|site| site.agency == parent));
        let path = above.map_or_else(|| name.to_owned(), |above| format!("{}/{name}", above.path));
        self.agencies.push(Agency { name: name.to_owned(), kind, parent: parent.map(str::to_owned) });
        self.sites.push(Site {
            agency: name.to_owned(),
            path,
            name: site.to_owned(),
            address: format!("Số {}, {street}, {within}", 1 + dice.below(190)),
            latitude,
            longitude,
            hosts: 0,
            prefix: prefix.to_owned(),
        });
    }

    /// One host in 25 is a server, and a few there always are: the first at the centre, the next at a commune, a
    /// department and a district, so that even a small province has one of each. Three in twenty are laptops.
    fn add_hosts(&mut self, hosts: usize, dice: &mut Dice) {
        let servers = (hosts / 25).max(4).min(hosts);
        let laptops = (hosts - servers) * 3 / 20;
        let kinds = [AgencyKind::Province, AgencyKind::Commune, AgencyKind::Department, AgencyKind::District];
        let mut placed: Vec<(usize, HostKind)> = Vec::with_capacity(hosts);
        for number in 0..servers {
            let kind = kinds[number % kinds.len()];
            let of_kind: Vec<usize> =
                (0..self.sites.len()).filter(|site| self.agencies[*site].kind == kind).collect();
            let at = if number < kinds.len() { of_kind[0] } else { *dice.pick(&of_kind) };
            placed.push((at, HostKind::Server));
        }
        for number in servers..hosts {
            // The first round gives every site but the centre a host; after that chance decides.
            let sites = self.sites.len() - 1;
            let round = number - servers;
            let site = 1 + if round < sites { sites - 1 - round } else { dice.below(sites) };
            placed.push((
                site,
                if round % 20 < laptops * 20 / (hosts - servers).max(1) {
                    HostKind::Laptop
                } else {
                    HostKind::Workstation
                },
            ));
        }
        placed.sort_by_key(|(site, kind)| (*site, kind.as_str()));
        let mut numbers = std::collections::BTreeMap::new();
        for (at, kind) in placed {
            let number: &mut u32 = numbers.entry((at, kind.as_str())).or_default();
            *number += 1;
            let site = &mut self.sites[at];
            site.hosts += 1;
            let short = match kind {
                HostKind::Server => "sv",
                HostKind::Workstation => "pc",
                HostKind::Laptop => "lt",
            };
            let name = format!("{}-{short}{number:02}", site.prefix);
            self.hosts.push(Host { name, kind, agency: site.agency.clone(), site: site.name.clone() });
        }
    }
}

fn around((latitude, longitude): (f64, f64), reach: f64, dice: &mut Dice) -> (f64, f64) {
    let mut offset = || (dice.between(-reach, reach) * 1e4).round() / 1e4;
    let rounded = |degrees: f64| (degrees * 1e4).round() / 1e4;
    (rounded(latitude + offset()), rounded(longitude + offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_makes_the_same_province_and_another_seed_another() {
        assert_eq!(Plan::new(7, 300), Plan::new(7, 300));
        assert_ne!(Plan::new(7, 300), Plan::new(8, 300));
    }

    #[test]
    fn names_are_unique_and_every_tree_and_count_adds_up() {
        for hosts in [1, 4, 12, 60, 500, 2_080] {
            let plan = Plan::new(1, hosts);
            assert_eq!(plan.hosts.len(), hosts);
            let unique = |names: Vec<&str>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
            assert!(unique(plan.hosts.iter().map(|host| host.name.as_str()).collect()));
            assert!(unique(plan.agencies.iter().map(|agency| agency.name.as_str()).collect()));
            for (place, agency) in plan.agencies.iter().enumerate() {
                let above = plan.agencies[..place].iter();
                let known = agency
                    .parent
                    .as_ref()
                    .is_none_or(|parent| above.clone().any(|agency| agency.name == *parent));
                assert!(known, "{agency:?}");
            }
            assert_eq!(plan.sites.iter().map(|site| site.hosts as usize).sum::<usize>(), hosts);
            assert!(plan.hosts.iter().all(|host| plan.sites.iter().any(|site| site.agency == host.agency)));
        }
    }

    #[test]
    fn the_real_provinces_size_has_its_shape() {
        let plan = Plan::new(1, 2_080);
        let count = |kind| plan.hosts.iter().filter(|host| host.kind == kind).count();
        assert_eq!(count(HostKind::Server), 83);
        assert!((200..400).contains(&count(HostKind::Laptop)), "{}", count(HostKind::Laptop));
        let communes = plan.agencies.iter().filter(|agency| agency.kind == AgencyKind::Commune).count();
        assert!(communes > 100, "{communes}");
    }

    #[test]
    fn lines_name_each_site_by_its_agencys_path() {
        let plan = Plan::new(1, 16);
        let lines = plan.lines();
        assert_eq!(lines.lines().next(), Some("Tỉnh Sơn Giang\tTrung tâm Dữ liệu tỉnh\t1"));
        let commune = lines.lines().find(|line| line.contains("/Xã ")).unwrap();
        assert!(commune.starts_with("Tỉnh Sơn Giang/Huyện Mường Khoa/Xã "), "{commune}");
        let hosts = lines.lines().map(|line| line.rsplit('\t').next().unwrap().parse::<usize>().unwrap());
        assert_eq!(hosts.sum::<usize>(), 16);
    }

    #[test]
    fn a_small_province_has_a_server_in_each_kind_of_agency() {
        let plan = Plan::new(1, 12);
        let kinds: BTreeSet<&str> = plan
            .hosts
            .iter()
            .filter(|host| host.kind == HostKind::Server)
            .map(|host| plan.agencies.iter().find(|agency| agency.name == host.agency).unwrap())
            .map(|agency| match agency.kind {
                AgencyKind::Province => "province",
                AgencyKind::Department => "department",
                AgencyKind::District => "district",
                AgencyKind::Commune => "commune",
            })
            .collect();
        assert_eq!(kinds.len(), 4);
    }
}
