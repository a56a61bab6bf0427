//! The sites' budgets for history: the settings as the store has them, and what is lent of each. In memory alone: after a
//! start the lending begins anew. Knows no wire.

use crate::budget::{Ask, Lending};
use crate::model::agency::SiteId;
use crate::store::StoreError;
use crate::store::sqlite::agency;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

/// A site's budget, bytes a minute, and its agents.
#[derive(Debug)]
struct Budget {
    bytes_per_minute: u32,
    lending: Mutex<Lending>,
}

/// The sites that have a budget.
#[derive(Debug, Default)]
pub struct Budgets {
    sites: RwLock<HashMap<SiteId, Budget>>,
}

impl Budgets {
    /// Reads the settings again. Agents send at an interval, milliseconds; a budget that is new counts from now.
    pub fn refresh(&self, connection: &Connection, interval_ms: i64, now_ms: i64) -> Result<(), StoreError> {
        let set: HashMap<SiteId, u32> = agency::budgets(connection)?.into_iter().collect();
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.retain(|site, _| set.contains_key(site));
        for (site, bytes_per_minute) in set {
            let new = || Budget { bytes_per_minute, lending: Mutex::new(Lending::new(interval_ms, now_ms)) };
            sites.entry(site).or_insert_with(new).bytes_per_minute = bytes_per_minute;
        }
        Ok(())
    }

    /// What an agent of a site may take, bytes a minute, until its next answer; none when the site has no budget.
    pub fn lend(&self, site: SiteId, ask: Ask, now_ms: i64) -> Option<u32> {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        let budget = sites.get(&site)?;
        let mut lending = budget.lending.lock().unwrap_or_else(PoisonError::into_inner);
        Some(lending.lend(budget.bytes_per_minute, ask, now_ms))
    }
}
