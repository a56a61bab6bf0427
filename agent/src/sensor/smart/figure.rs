//! Names of what a disk says in numbers, the same whatever protocol it speaks. Names only.

/// Hours that it has been powered.
pub const POWER_ON_HOURS: &str = "power_on_hours";
/// Times that it was switched on.
pub const POWER_CYCLES: &str = "power_cycles";
/// Now, in degrees Celsius.
pub const TEMPERATURE: &str = "temperature_celsius";
/// At which its maker has it stop, in degrees Celsius.
pub const TEMPERATURE_LIMIT: &str = "temperature_limit_celsius";
/// Size in bytes.
pub const CAPACITY: &str = "size_bytes";
/// Turns in a minute; 0: none, it is solid.
pub const ROTATION: &str = "rotation_rpm";
/// Year of making, where it says so.
pub const MANUFACTURED: &str = "manufactured_year";
/// Sectors replaced by spare ones: ATA attribute 5, SCSI's grown defects.
pub const REALLOCATED: &str = "reallocated_sectors";
/// Attempts to replace one: ATA attribute 196.
pub const REALLOCATIONS: &str = "reallocation_events";
/// Sectors that cannot be read and wait to be replaced: ATA attribute 197.
pub const PENDING: &str = "pending_sectors";
/// Sectors that its own scan could not read: ATA attribute 198.
pub const OFFLINE_UNCORRECTABLE: &str = "offline_uncorrectable_sectors";
/// Data that it had to give up: ATA attribute 187, NVMe's media errors, SCSI's uncorrected errors.
pub const UNCORRECTED: &str = "uncorrected_errors";
/// Data damaged on its way through the drive: ATA attribute 184.
pub const END_TO_END: &str = "end_to_end_errors";
/// Commands that took too long: ATA attribute 188, its lowest counter.
pub const COMMAND_TIMEOUTS: &str = "command_timeouts";
/// Attempts to start turning that had to be repeated: ATA attribute 10.
pub const SPIN_RETRIES: &str = "spin_retries";
/// Damaged transfers between host and drive, most often a cable's: ATA attribute 199.
pub const INTERFACE_CRC: &str = "interface_crc_errors";
/// Read errors of a Seagate drive: the upper part of ATA attribute 1.
pub const READ_ERRORS: &str = "read_errors";
/// Seek errors of a Seagate drive: the upper part of ATA attribute 7.
pub const SEEK_ERRORS: &str = "seek_errors";
/// Writes that flash refused.
pub const PROGRAM_FAILURES: &str = "program_failures";
/// Erasures that flash refused.
pub const ERASE_FAILURES: &str = "erase_failures";
/// Share of the rated life of its flash that is used, in percent; above 100: more than rated.
pub const WEAR: &str = "wear_used_percent";
/// Share of its spare flash that is left, in percent.
pub const SPARE: &str = "spare_percent";
/// Below which its maker wants it replaced, in percent.
pub const SPARE_MIN: &str = "spare_min_percent";
/// Written in its life, in bytes.
pub const WRITTEN: &str = "written_bytes";
/// Times that its power went without notice.
pub const UNSAFE_SHUTDOWNS: &str = "unsafe_shutdowns";
/// Entries ever made in its error log.
pub const ERROR_LOG: &str = "error_log_entries";
/// Self-tests that failed since the last complete one that passed.
pub const SELF_TESTS_FAILED: &str = "self_tests_failed";
/// NVMe's critical warning, a bit mask.
pub const CRITICAL_WARNING: &str = "critical_warning";
