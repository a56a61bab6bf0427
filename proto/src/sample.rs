//! Names, units and kinds of samples. Names follow OpenTelemetry's semantic conventions (`system.*`, `hw.*`); what they
//! lack is under `tram.*`.

/// Share of time per mode since the sample before; attribute [`CPU_MODE`]. Unit 1.
pub const CPU_UTILIZATION: &str = "system.cpu.utilization";
/// Logical processors. Unit {cpu}.
pub const CPU_COUNT: &str = "system.cpu.logical.count";
/// Runnable and uninterruptible threads, mean of one minute. Unit {thread}.
pub const LOAD_1M: &str = "system.cpu.load_average.1m";
/// The same over five minutes.
pub const LOAD_5M: &str = "system.cpu.load_average.5m";
/// The same over fifteen minutes.
pub const LOAD_15M: &str = "system.cpu.load_average.15m";
/// Memory by [`MEMORY_STATE`] (used, free, cached, buffers). Unit By.
pub const MEMORY_USAGE: &str = "system.memory.usage";
/// Memory installed. Unit By.
pub const MEMORY_LIMIT: &str = "system.memory.limit";
/// Memory that programs can have without swapping. Unit By.
pub const MEMORY_AVAILABLE: &str = "system.linux.memory.available";
/// Swap by [`PAGING_STATE`] (used, free). Unit By.
pub const PAGING_USAGE: &str = "system.paging.usage";
/// File system space by [`FILESYSTEM_STATE`] (used, free = available to ordinary users). Unit By.
pub const FILESYSTEM_USAGE: &str = "system.filesystem.usage";
/// File system size. Unit By.
pub const FILESYSTEM_LIMIT: &str = "system.filesystem.limit";
/// Inodes by [`FILESYSTEM_STATE`] (used, free). Unit {inode}.
pub const FILESYSTEM_INODES: &str = "tram.filesystem.inodes";
/// 1 when the file system is mounted read-only. Unit 1.
pub const FILESYSTEM_READ_ONLY: &str = "tram.filesystem.read_only";
/// Bytes moved by [`IO_DIRECTION`] (read, write) of [`DEVICE`]. Unit By, counter.
pub const DISK_IO: &str = "system.disk.io";
/// Operations completed. Unit {operation}, counter.
pub const DISK_OPERATIONS: &str = "system.disk.operations";
/// Time the device was busy. Unit s, counter.
pub const DISK_IO_TIME: &str = "system.disk.io_time";
/// Time operations took, summed. Unit s, counter.
pub const DISK_OPERATION_TIME: &str = "system.disk.operation_time";
/// Bytes by [`NETWORK_DIRECTION`] (receive, transmit) of [`INTERFACE`]. Unit By, counter.
pub const NETWORK_IO: &str = "system.network.io";
/// Packets. Unit {packet}, counter.
pub const NETWORK_PACKETS: &str = "system.network.packet.count";
/// Packets in error. Unit {error}, counter.
pub const NETWORK_ERRORS: &str = "system.network.errors";
/// Packets dropped. Unit {packet}, counter.
pub const NETWORK_DROPPED: &str = "system.network.packet.dropped";
/// 1 when the interface has a link. Unit 1.
pub const NETWORK_UP: &str = "hw.network.up";
/// Speed of the link. Unit By/s.
pub const NETWORK_LIMIT: &str = "hw.network.bandwidth.limit";
/// Times that the link came or went since the interface was made. Unit {change}, counter.
pub const NETWORK_CARRIER_CHANGES: &str = "tram.network.carrier.changes";
/// Strength of the signal that a radio [`INTERFACE`] hears. Unit dBm.
pub const WIFI_SIGNAL: &str = "tram.wifi.signal";
/// Quality of its link as a share of one. Unit 1.
pub const WIFI_QUALITY: &str = "tram.wifi.quality";
/// Temperature of [`HW_ID`]. Unit Cel.
pub const TEMPERATURE: &str = "hw.temperature";
/// The maker's own limit for it, where it states one above zero; attribute [`LIMIT_TYPE`] (`high.degraded`,
/// `high.critical`). Unit Cel.
pub const TEMPERATURE_LIMIT: &str = "hw.temperature.limit";
/// Share done of what the RAID array [`HW_ID`] is busy with: rebuild, resync, check or reshape. Unit 1.
pub const RAID_PROGRESS: &str = "tram.raid.progress";
/// Speed of a fan [`HW_ID`]. Unit rpm.
pub const FAN_SPEED: &str = "hw.fan.speed";
/// The maker's own limit for it; attribute [`LIMIT_TYPE`]. Unit rpm.
pub const FAN_SPEED_LIMIT: &str = "hw.fan.speed.limit";
/// A voltage of [`HW_ID`]; attribute [`SENSOR_LOCATION`] where a part has several (`input`, `output`, `battery`). Unit V.
pub const VOLTAGE: &str = "hw.voltage";
/// The maker's own limit for it; attribute [`LIMIT_TYPE`]. Unit V.
pub const VOLTAGE_LIMIT: &str = "hw.voltage.limit";
/// What [`HW_ID`] takes or gives. Unit W.
pub const POWER: &str = "hw.power";
/// A current of [`HW_ID`]. Unit A.
pub const CURRENT: &str = "tram.hw.current";
/// How full a battery is, as a share of one; attribute [`HW_ID`]. Unit 1.
pub const BATTERY_CHARGE: &str = "hw.battery.charge";
/// How long it would last as things are. Unit s.
pub const BATTERY_TIME_LEFT: &str = "hw.battery.time_left";
/// 1 while an uninterruptible power supply runs on its battery; attribute [`HW_ID`]. Unit 1.
pub const UPS_ON_BATTERY: &str = "tram.ups.on_battery";
/// Its load as a share of what it can give. Unit 1.
pub const UPS_LOAD: &str = "tram.ups.load";
/// Frequency of the mains that come in. Unit Hz.
pub const UPS_INPUT_FREQUENCY: &str = "tram.ups.input.frequency";
/// Time since boot. Unit s.
pub const UPTIME: &str = "system.uptime";
/// 1 when the boot before this one ended without a shutdown. Unit 1.
pub const BOOT_UNCLEAN: &str = "tram.boot.unclean";
/// 1 when the kernel says its clock is synchronised. Unit 1.
pub const CLOCK_SYNCHRONIZED: &str = "tram.clock.synchronized";
/// Packages that wait to be updated; attribute [`UPDATE_KIND`]. Unit {package}.
pub const UPDATES_PENDING: &str = "tram.updates.pending";
/// When the lists of packages were fetched last, seconds since 1970. Unit s.
pub const UPDATES_REFRESHED: &str = "tram.updates.refreshed";
/// 1 when what was installed takes effect only after a restart of the host. Unit 1.
pub const REBOOT_REQUIRED: &str = "tram.reboot.required";
/// Units of the service manager that have failed. Unit {service}.
pub const SERVICES_FAILED: &str = "tram.services.failed";
/// Times that it has started one again since the agent began. Unit {restart}, counter.
pub const SERVICES_RESTARTS: &str = "tram.services.restarts";
/// 1 when the listed service [`SERVICE`] runs. Unit 1.
pub const SERVICE_UP: &str = "tram.service.up";
/// How far the host's wall clock is ahead of the collector's; measured by the collector. Unit s.
pub const CLOCK_OFFSET: &str = "tram.clock.offset";
/// The reachability verdict as its code, see [`crate::reach::Verdict`]. Unit 1.
pub const REACH_VERDICT: &str = "tram.reachability.verdict";
/// What a rung came to as its code, see [`crate::reach::Outcome`]; attributes [`RUNG`], [`METHOD`], [`TARGET`]. Unit 1.
pub const REACH_OUTCOME: &str = "tram.reachability.outcome";
/// Share of probes lost on a rung. Unit 1.
pub const REACH_LOSS: &str = "tram.reachability.loss";
/// Round trip on a rung, median of the round. Unit s.
pub const REACH_RTT: &str = "tram.reachability.rtt";
/// What a probe of the policy came to as its code, see [`crate::reach::Outcome`]; attributes [`PROBE_KIND`], [`TARGET`].
/// Unit 1.
pub const PROBE_OUTCOME: &str = "tram.probe.outcome";
/// Round trip of a probe: a packet, a connection, a request. Unit s.
pub const PROBE_RTT: &str = "tram.probe.rtt";
/// HTTP status that a probe was answered with. Unit 1.
pub const PROBE_STATUS: &str = "tram.probe.http.status";
/// What the sensor's last read took; attribute [`SENSOR`]. Unit s.
pub const SENSOR_DURATION: &str = "tram.sensor.duration";
/// 0 read, 1 failed, 2 stale: it missed its deadline and older values stand. Unit 1.
pub const SENSOR_STATE: &str = "tram.sensor.state";

/// Attribute: user, nice, system, iowait, interrupt, steal, idle.
pub const CPU_MODE: &str = "cpu.mode";
/// Attribute: used, free, cached, buffers.
pub const MEMORY_STATE: &str = "system.memory.state";
/// Attribute: used, free.
pub const PAGING_STATE: &str = "system.paging.state";
/// Attribute: used, free.
pub const FILESYSTEM_STATE: &str = "system.filesystem.state";
/// Attribute: where the file system is mounted.
pub const MOUNTPOINT: &str = "system.filesystem.mountpoint";
/// Attribute: ext4, ntfs, ...
pub const FILESYSTEM_TYPE: &str = "system.filesystem.type";
/// Attribute: block device.
pub const DEVICE: &str = "system.device";
/// Attribute: read, write.
pub const IO_DIRECTION: &str = "disk.io.direction";
/// Attribute: network interface.
pub const INTERFACE: &str = "network.interface.name";
/// Attribute: receive, transmit.
pub const NETWORK_DIRECTION: &str = "network.io.direction";
/// Attribute: a hardware part's stable id within its host.
pub const HW_ID: &str = "hw.id";
/// Attribute: a hardware part's name as people know it.
pub const HW_NAME: &str = "hw.name";
/// Attribute: where in a part something is measured.
pub const SENSOR_LOCATION: &str = "hw.sensor_location";
/// Attribute: kind of a limit.
pub const LIMIT_TYPE: &str = "hw.limit_type";
/// Attribute: what the system calls a service.
pub const SERVICE: &str = "tram.service";
/// Attribute: rung of the reachability ladder, see [`crate::reach::Rung`].
pub const RUNG: &str = "tram.rung";
/// Attribute: how a rung was probed, see [`crate::reach::Method`].
pub const METHOD: &str = "tram.method";
/// Attribute: what a rung was probed against.
pub const TARGET: &str = "server.address";
/// Attribute: kind of a probe (icmp, tcp, http, dns).
pub const PROBE_KIND: &str = "tram.probe.kind";
/// Attribute: name of a sensor.
pub const SENSOR: &str = "tram.sensor";

/// Attribute: all, security.
pub const UPDATE_KIND: &str = "tram.update.kind";

/// Resource attribute: the host's name.
pub const HOST_NAME: &str = "host.name";
/// Resource attribute: `linux` or `windows`.
pub const OS_TYPE: &str = "os.type";
/// Resource attribute: the system's own description of itself.
pub const OS_DESCRIPTION: &str = "os.description";
/// Resource attribute: kernel release.
pub const OS_VERSION: &str = "os.version";
/// Resource attribute: processor architecture.
pub const HOST_ARCH: &str = "host.arch";
/// Resource attribute: version of the agent.
pub const SERVICE_VERSION: &str = "service.version";
/// Resource attribute: kind of asset that the agent takes its host for: server, workstation or laptop.
pub const ASSET_KIND: &str = "tram.asset.kind";
