//! Catalogues in memory: every one that the store has, each once, with what is worked out of it once.
//!
//! A catalogue is added when the window that brought it has been committed, never before.

use crate::health::{Bindings, RuleSet};
use crate::model::catalogue::{Catalogue, CatalogueId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tram_proto::sample;

/// A catalogue and what reports of it are read by.
#[derive(Debug)]
pub struct Known {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The column that says whether the boot before ended without a shutdown.
    pub unclean: Option<usize>,
    /// The columns that rules read.
    pub bindings: Bindings,
}

impl Known {
    /// Works out what is needed of a catalogue.
    pub fn new(catalogue: Arc<Catalogue>, rules: &RuleSet) -> Self {
        let unclean = catalogue.columns.iter().position(|column| column.name == sample::BOOT_UNCLEAN);
        let bindings = Bindings::new(rules, &catalogue);
        Self { catalogue, unclean, bindings }
    }

    /// Whether these values say that the boot before ended without a shutdown.
    pub fn is_unclean(&self, values: &[Option<i64>]) -> bool {
        let value = self.unclean.and_then(|place| values.get(place)).copied().flatten();
        value.is_some_and(|value| value != 0)
    }

    /// The version of the agent program, as the catalogue says it.
    pub fn agent_version(&self) -> Option<&str> {
        self.catalogue.resource.get(sample::SERVICE_VERSION).map(String::as_str)
    }
}

/// The catalogues.
#[derive(Debug, Default)]
pub struct Catalogues(RwLock<HashMap<CatalogueId, Arc<Known>>>);

impl Catalogues {
    /// The catalogue of an id.
    pub fn known(&self, id: CatalogueId) -> Option<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Adds catalogues.
    pub fn add(&self, catalogues: impl IntoIterator<Item = Arc<Known>>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(catalogues.into_iter().map(|entry| (entry.catalogue.id, entry)));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
