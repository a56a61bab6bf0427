//! Every bound of the wire, in one place. Enforced by the receiver before and after decompression, and kept by the
//! sender so that nothing honest is ever refused.

/// Compressed bytes of one request body.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of one request body after decompression.
pub const DECODED_BYTES_MAX: usize = 4 << 20;
/// Bytes of an enrolment or renewal request, and of a policy.
pub const SMALL_BODY_BYTES_MAX: usize = 64 << 10;
/// How deep JSON may nest.
pub const DEPTH_MAX: usize = 12;
/// Reports in one batch.
pub const REPORTS_PER_BATCH_MAX: usize = 1_024;
/// Ranges of numbers in one batch that will never come.
pub const GONE_PER_BATCH_MAX: usize = 64;
/// Reports that one aggregate may stand for: an hour of them, one each second.
pub const AGGREGATED_MAX: u32 = 4_096;
/// Milliseconds that one aggregate may stand for: a day.
pub const AGGREGATE_STEP_MS_MAX: u64 = 86_400_000;
/// Spans of the day in which history may be sent.
pub const HISTORY_HOURS_MAX: usize = 8;
/// Bytes of one report.
pub const REPORT_BYTES_MAX: usize = 512 << 10;
/// Catalogues in one batch.
pub const CATALOGUES_PER_BATCH_MAX: usize = 16;
/// Boot anchors in one batch.
pub const ANCHORS_PER_BATCH_MAX: usize = 64;
/// Columns of one catalogue, so samples of one report.
pub const COLUMNS_MAX: usize = 4_096;
/// Attributes of one column, or of a resource.
pub const ATTRIBUTES_MAX: usize = 16;
/// Bytes of a sample's name or an attribute's key.
pub const NAME_BYTES_MAX: usize = 128;
/// Bytes of any other string: attribute values, component names, serials, reasons.
pub const TEXT_BYTES_MAX: usize = 512;
/// Decimal digits that a column may shift its values by.
pub const SCALE_MAX: u8 = 9;
/// Magnitude of a scaled value: what a double still holds exactly.
pub const VALUE_ABS_MAX: i64 = 1 << 53;
/// Components of one host.
pub const COMPONENTS_MAX: usize = 512;
/// Reasons of one component.
pub const REASONS_MAX: usize = 16;
/// Figures of one component.
pub const FIGURES_MAX: usize = 64;
/// Refusals named in one ack.
pub const REFUSALS_MAX: usize = REPORTS_PER_BATCH_MAX;
/// Seen ranges that the collector keeps for one spool.
pub const RANGES_PER_SPOOL_MAX: usize = 64;
/// Spools that the collector keeps for one agent.
pub const SPOOLS_PER_AGENT_MAX: usize = 4;
/// CRCs of the last reports of a spool, kept to tell a fork from a copy.
pub const CRCS_PER_SPOOL: usize = 16;
/// Probe targets that an agent accepts.
pub const TARGETS_MAX: usize = 32;
/// Thresholds of a policy for sends before their time.
pub const THRESHOLDS_MAX: usize = 32;
/// Furthest that a report's boot time may lie from its batch's, in milliseconds: ten years.
pub const BOOT_SKEW_MS_MAX: u64 = 10 * 366 * 86_400_000;

/// Most heap that decoding one body may hold at any moment: the decompressed bytes while their buffer grows, and what
/// is built of them.
pub const DECODE_HEAP_BYTES_MAX: usize = 8 * DECODED_BYTES_MAX;

const _: () = assert!(BODY_BYTES_MAX <= DECODED_BYTES_MAX);
const _: () = assert!(REPORT_BYTES_MAX <= DECODED_BYTES_MAX / 2);
const _: () = assert!(NAME_BYTES_MAX <= TEXT_BYTES_MAX);
const _: () = assert!(CRCS_PER_SPOOL <= REPORTS_PER_BATCH_MAX);
