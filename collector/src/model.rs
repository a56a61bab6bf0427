//! The nouns of the domain, one file each. No wire, no SQL, no serde: those convert at their own edges.

pub mod agency;
pub mod agent;
pub mod alert;
pub mod arrival;
pub mod asset;
pub mod catalogue;
pub mod component;
pub mod enrollment;
pub mod line;
pub mod missing;
pub mod part_change;
pub mod policy;
pub mod report;
pub mod text;
pub mod user;
pub mod work_order;
