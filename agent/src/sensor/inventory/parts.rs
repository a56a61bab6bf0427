//! What the sources of the inventory amount to, as components. What makers write where they should have written
//! something is nothing. Pure.

use crate::sensor::inventory::smbios::{self, Structure, kind};
use crate::sensor::placeholder::real;
use crate::sensor::sample::clean;
use crate::sensor::{date, part};
use std::collections::{BTreeMap, BTreeSet};
use tram_proto::component::{Component, State};

/// What was found at each place.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The firmware's own table.
    pub structures: Vec<Structure>,
    /// Files of `/sys/class/dmi/id`.
    pub dmi: BTreeMap<String, String>,
    /// Model and serial number of a board with a device tree.
    pub device_tree: (Option<String>, Option<String>),
    /// `/sys/hypervisor/type`.
    pub hypervisor: Option<String>,
    /// `/proc/xen/capabilities`.
    pub xen_capabilities: Option<String>,
    /// `/run/systemd/container`.
    pub container: Option<String>,
    /// `/proc/cpuinfo`.
    pub cpuinfo: String,
    /// Memory that the kernel has.
    pub memory_bytes: Option<f64>,
    /// `/etc/os-release`.
    pub os_release: String,
    /// Release of the kernel.
    pub kernel: Option<String>,
}

/// Words in a machine's maker or model that only virtual ones have, and what makes them.
const VIRTUAL: &[(&str, &str)] = &[
    ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"),
    ("innotek", "VirtualBox"),
    ("virtual machine", "Hyper-V"),
    ("hvm domu", "Xen"),
    ("qemu", "QEMU"),
    ("bochs", "QEMU"),
    ("kvm", "KVM"),
    ("rhev", "KVM"),
    ("ovirt", "KVM"),
    ("openstack", "KVM"),
    ("proxmox", "KVM"),
    ("nutanix", "KVM"),
    ("standard pc (", "QEMU"),
    ("parallels", "Parallels"),
    ("bhyve", "bhyve"),
    ("google compute engine", "Google"),
    ("amazon ec2", "Amazon"),
    ("alibaba cloud", "Alibaba"),
];

/// The components.
pub fn parts(found: &Found) -> Vec<Component> {
    let mut parts: Vec<Component> = Vec::new();
    parts.extend(host(found));
    parts.extend(firmware(found));
    parts.extend(operating_system(found));
    parts.extend(processors(found));
    parts.extend(of(found, kind::MEMORY).enumerate().filter_map(|(place, module)| memory(place, module)));
    parts.extend(
        of(found, kind::POWER_SUPPLY).enumerate().filter_map(|(place, supply)| power_supply(place, supply)),
    );
    tell_apart(&mut parts);
    parts
}

/// Slots may be named alike: the later ones are counted.
fn tell_apart(parts: &mut [Component]) {
    let mut taken = BTreeSet::new();
    for part in parts {
        let id = part.id.clone();
        let mut count = 1;
        while !taken.insert((part.kind.clone(), part.id.clone())) {
            count += 1;
            part.id = format!("{id} #{count}");
        }
    }
}

fn of(found: &Found, kind: u8) -> impl Iterator<Item = &Structure> {
    found.structures.iter().filter(move |structure| structure.kind == kind)
}

impl Structure {
    /// A field that says something.
    fn real(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(|text| real(text))
    }

    /// A field's number: `8192 MB`, `2400 MT/s`.
    fn number(&self, name: &str) -> Option<f64> {
        let number = self.fields.get(name)?.split_whitespace().next()?.parse::<f64>().ok()?;
        (number > 0.0).then_some(number)
    }
}

/// A field of the firmware's table, or the file of it that anyone may read.
fn said<'a>(found: &'a Found, kind: u8, field: &str, file: &str) -> Option<&'a str> {
    let table = of(found, kind).find_map(|structure| structure.real(field));
    table.or_else(|| found.dmi.get(file).and_then(|text| real(text)))
}

/// Maker and model; the maker once where the model begins with it.
fn model(maker: Option<&str>, model: Option<&str>) -> String {
    let (maker, model) = (maker.unwrap_or_default(), model.unwrap_or_default());
    let is_said_already = model.to_lowercase().starts_with(&maker.to_lowercase());
    if is_said_already { clean(model) } else { clean(format!("{maker} {model}").trim()) }
}

/// The machine as a whole: its case is what has its serial number.
fn host(found: &Found) -> Option<Component> {
    let maker = said(found, kind::SYSTEM, "Manufacturer", "sys_vendor");
    // Lenovo writes the number of the type as the product, and what people call it as the version.
    let product = said(found, kind::SYSTEM, "Product Name", "product_name");
    let version = said(found, kind::SYSTEM, "Version", "product_version");
    let is_lenovo = maker.is_some_and(|maker| maker.eq_ignore_ascii_case("lenovo"));
    let named = version.zip(product).filter(|(version, _)| is_lenovo && version.contains(' '));
    let product =
        named.map(|(version, product)| format!("{version} ({product})")).or(product.map(str::to_owned));
    let board = (
        said(found, kind::BOARD, "Manufacturer", "board_vendor"),
        said(found, kind::BOARD, "Product Name", "board_name"),
    );
    let (tree_model, tree_serial) = (&found.device_tree.0, &found.device_tree.1);
    // A machine that somebody put together has a board that says what it is.
    let model = match (&product, board, tree_model) {
        (Some(product), ..) => model(maker, Some(product)),
        (None, board @ (_, Some(_)), _) => model(board.0, board.1),
        (None, _, Some(tree)) => clean(tree),
        (None, _, None) => clean(maker.unwrap_or_default()),
    };
    let serial = said(found, kind::SYSTEM, "Serial Number", "product_serial")
        .or_else(|| said(found, kind::CHASSIS, "Serial Number", "chassis_serial"))
        .or_else(|| said(found, kind::BOARD, "Serial Number", "board_serial"))
        .or_else(|| tree_serial.as_deref().and_then(real));
    let virtual_by = hypervisor(found, &format!("{} {model}", maker.unwrap_or_default()));
    let chassis = said(found, kind::CHASSIS, "Type", "").map(str::to_owned).or_else(|| {
        let number = found.dmi.get("chassis_type")?.parse().ok()?;
        smbios::chassis(number).map(str::to_owned)
    });
    if model.is_empty() && virtual_by.is_none() && found.cpuinfo.is_empty() {
        return None;
    }
    let mut host = part::new("enclosure", "host");
    host.name = match &virtual_by {
        Some(by) if by.is_empty() => "virtual machine".to_owned(),
        Some(by) => clean(&format!("virtual machine ({by})")),
        None => clean(&chassis.unwrap_or_default()),
    };
    host.model = model;
    host.serial = clean(serial.unwrap_or_default());
    let figures = [
        ("virtual", Some(f64::from(u8::from(virtual_by.is_some())))),
        ("memory_bytes", found.memory_bytes),
        ("processors_count", Some(processor_count(&found.cpuinfo)).filter(|count| *count > 0.0)),
    ];
    host.figures = part::figures(&figures);
    Some(host)
}

/// What this host is virtual by, empty where that is not known; none: it is a machine that one can touch.
fn hypervisor(found: &Found, model: &str) -> Option<String> {
    if let Some(container) = &found.container {
        return Some(container.clone());
    }
    let model = model.to_lowercase();
    let by_name = VIRTUAL.iter().find(|(word, _)| model.contains(word)).map(|(_, by)| (*by).to_owned());
    // Processors say it too, in machines of every maker.
    let flags = found.cpuinfo.lines().find_map(|line| line.strip_prefix("flags"));
    let says_so = flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"));
    // The first domain of Xen says so too, and stands on the machine itself.
    let is_first =
        found.xen_capabilities.as_ref().is_some_and(|capabilities| capabilities.contains("control_d"));
    by_name.or_else(|| (says_so && !is_first).then(|| found.hypervisor.clone().unwrap_or_default()))
}

fn firmware(found: &Found) -> Option<Component> {
    let version = said(found, kind::BIOS, "Version", "bios_version")?;
    let mut bios = part::new("firmware", "bios");
    bios.name = "BIOS".to_owned();
    bios.model = model(said(found, kind::BIOS, "Vendor", "bios_vendor"), Some(version));
    let released = said(found, kind::BIOS, "Release Date", "bios_date").and_then(date::seconds);
    bios.figures = part::figures(&[("released_unix_seconds", released.map(|seconds| seconds as f64))]);
    Some(bios)
}

/// Its name, and the kernel as the model: what is running, not what is installed.
fn operating_system(found: &Found) -> Option<Component> {
    let line = found.os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = line.map(|name| name.trim().trim_matches(['"', '\'']));
    if name.is_none() && found.kernel.is_none() {
        return None;
    }
    let mut system = part::new("operating_system", "os");
    system.name = clean(name.unwrap_or_default());
    system.model =
        found.kernel.as_deref().map(|kernel| clean(&format!("Linux {kernel}"))).unwrap_or_default();
    Some(system)
}

fn processor_count(cpuinfo: &str) -> f64 {
    cpuinfo.lines().filter(|line| line.starts_with("processor") && line.contains(':')).count() as f64
}

/// From the firmware, which knows the sockets; where it says nothing, as the kernel sees them.
fn processors(found: &Found) -> Vec<Component> {
    let sockets: Vec<Component> = of(found, kind::PROCESSOR).enumerate().filter_map(socket).collect();
    if sockets.is_empty() { packages(&found.cpuinfo) } else { sockets }
}

fn socket((place, socket): (usize, &Structure)) -> Option<Component> {
    let version = socket.real("Version");
    let is_there = socket.fields.get("Status").is_none_or(|status| status.starts_with("Populated"));
    if !is_there || version.is_none() {
        return None;
    }
    let fallback = format!("cpu{place}");
    let mut cpu = part::new("cpu", socket.real("Socket Designation").unwrap_or(&fallback));
    cpu.model = squeezed(version.unwrap_or_default());
    cpu.serial = clean(socket.real("Serial Number").unwrap_or_default());
    let figures = [
        ("cores_count", socket.number("Core Count")),
        ("threads_count", socket.number("Thread Count")),
        ("speed_max_hertz", socket.number("Max Speed").map(|megahertz| megahertz * 1e6)),
    ];
    cpu.figures = part::figures(&figures);
    Some(cpu)
}

/// Makers fill names of processors up with spaces.
fn squeezed(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn packages(cpuinfo: &str) -> Vec<Component> {
    let mut packages: BTreeMap<String, (String, f64, BTreeSet<String>)> = BTreeMap::new();
    for block in cpuinfo.split("\n\n") {
        let field = |name: &str| {
            let line =
                block.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        if field("processor").is_none() {
            continue;
        }
        let package = field("physical id").unwrap_or_else(|| "0".to_owned());
        let package = packages.entry(package).or_default();
        package.0 = field("model name").unwrap_or_default();
        package.1 += 1.0;
        package.2.extend(field("core id"));
    }
    let cpu = |(id, (model, threads, cores)): (String, (String, f64, BTreeSet<String>))| {
        let mut cpu = part::new("cpu", &format!("cpu{id}"));
        cpu.model = squeezed(&model);
        let cores = Some(cores.len() as f64).filter(|cores| *cores > 0.0);
        let figures = [("cores_count", cores), ("threads_count", Some(threads))];
        cpu.figures = part::figures(&figures);
        cpu
    };
    packages.into_iter().map(cpu).filter(|cpu| !cpu.model.is_empty()).collect()
}

/// A module; none for an empty slot.
fn memory(place: usize, module: &Structure) -> Option<Component> {
    let size = module.fields.get("Size")?;
    let unit = match size.split_whitespace().nth(1)? {
        "kB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        "GB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = module.number("Size")? * unit;
    let fallback = format!("module {place}");
    let locator = module.real("Locator").unwrap_or(&fallback);
    // Boards that call every slot `DIMM 0` tell them apart by the bank.
    let bank = module.real("Bank Locator").filter(|bank| *bank != locator);
    let id = bank.map_or_else(|| locator.to_owned(), |bank| format!("{bank}/{locator}"));
    let mut memory = part::new("memory", &id);
    let technology = module.real("Type").unwrap_or_default();
    memory.name = clean(format!("{technology} {locator}").trim());
    memory.model = model(module.real("Manufacturer"), module.real("Part Number"));
    memory.serial = clean(module.real("Serial Number").unwrap_or_default());
    let speed = module.number("Speed").map(|millions| millions * 1e6);
    memory.figures = part::figures(&[("size_bytes", Some(bytes)), ("speed_transfers_per_second", speed)]);
    Some(memory)
}

/// A supply as the firmware found it at the start; how it is now, the BMC says.
fn power_supply(place: usize, supply: &Structure) -> Option<Component> {
    let status = supply.fields.get("Status").map(String::as_str).unwrap_or_default();
    let says_something = ["Name", "Manufacturer", "Serial Number", "Model Part Number"];
    if !status.starts_with("Present") || !says_something.iter().any(|field| supply.real(field).is_some()) {
        return None;
    }
    let fallback = format!("supply {place}");
    let mut part = part::new("power_supply", supply.real("Location").unwrap_or(&fallback));
    part.name = clean(supply.real("Name").unwrap_or_default());
    part.model = model(supply.real("Manufacturer"), supply.real("Model Part Number"));
    part.serial = clean(supply.real("Serial Number").unwrap_or_default());
    part.figures = part::figures(&[("capacity_watts", supply.number("Max Power Capacity"))]);
    match status {
        "Present, Critical" => part::mark(&mut part, State::Failed, "critical"),
        "Present, Non-critical" => part::mark(&mut part, State::Degraded, "non-critical"),
        _ => {}
    }
    Some(part)
}
