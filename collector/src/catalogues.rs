//! Catalogues in memory: every one that the store has, each once, with what is worked out of it once.
//!
//! A catalogue is added when the window that brought it has been committed, never before. Hosts of one make have the
//! same columns and differ only in their resource, so columns are kept once for all of them.

use crate::health::{Bindings, RuleSet};
use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Column};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tram_proto::sample;

/// A catalogue and what reports of it are read by.
#[derive(Debug)]
pub struct Known {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The column that says whether the boot before ended without a shutdown.
    pub unclean: Option<usize>,
    /// The columns that rules read.
    pub bindings: Arc<Bindings>,
}

impl Known {
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

/// Columns that hosts of one make share, with what is worked out of them.
#[derive(Debug, Clone)]
pub struct Shape {
    columns: Arc<[Column]>,
    unclean: Option<usize>,
    bindings: Arc<Bindings>,
}

impl Shape {
    /// The catalogue of one of these hosts. Adds nothing yet.
    pub fn known(&self, id: CatalogueId, resource: Attributes) -> Arc<Known> {
        let catalogue = Arc::new(Catalogue { id, resource, columns: Arc::clone(&self.columns) });
        Arc::new(Known { catalogue, unclean: self.unclean, bindings: Arc::clone(&self.bindings) })
    }
}

/// The catalogues.
#[derive(Debug, Default)]
pub struct Catalogues {
    known: RwLock<HashMap<CatalogueId, Arc<Known>>>,
    shapes: Mutex<HashMap<Arc<[Column]>, Shape>>,
}

impl Catalogues {
    /// The catalogue of an id.
    pub fn known(&self, id: CatalogueId) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// A catalogue that is on its way in, with the columns of one that has the same: when a whole fleet starts at once,
    /// what waits to be committed would otherwise hold every host's.
    pub fn shared(&self, catalogue: Arc<Catalogue>) -> Arc<Catalogue> {
        let shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        match shapes.get_key_value(&catalogue.columns) {
            Some((columns, _)) => {
                Arc::new(Catalogue { columns: Arc::clone(columns), ..Arc::unwrap_or_clone(catalogue) })
            }
            None => catalogue,
        }
    }

    /// What columns are worked out to, the same for all that have them. The rules are the same in every call: those that
    /// the collector started with.
    pub fn shape(&self, columns: &Arc<[Column]>, rules: &RuleSet) -> Shape {
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = shapes.get(columns) {
            return shape.clone();
        }
        let shape = Shape {
            columns: Arc::clone(columns),
            unclean: columns.iter().position(|column| column.name == sample::BOOT_UNCLEAN),
            bindings: Arc::new(Bindings::new(rules, columns)),
        };
        shapes.insert(Arc::clone(columns), shape.clone());
        shape
    }

    /// Works out what is needed of a catalogue, with the columns of one that has the same. Adds nothing yet.
    pub fn work_out(&self, catalogue: &Catalogue, rules: &RuleSet) -> Arc<Known> {
        self.shape(&catalogue.columns, rules).known(catalogue.id, catalogue.resource.clone())
    }

    /// Adds catalogues.
    pub fn add(&self, catalogues: impl IntoIterator<Item = Arc<Known>>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(catalogues.into_iter().map(|entry| (entry.catalogue.id, entry)));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::{Attributes, Kind};

    fn catalogue(id: u8, name: &str) -> Catalogue {
        let column = Column {
            name: name.into(),
            attributes: Attributes::new(),
            unit: "1".into(),
            scale: 0,
            kind: Kind::Gauge,
        };
        let resource = Attributes::from_iter([("host.name".into(), format!("host-{id}"))]);
        Catalogue { id: CatalogueId([id; 16]), resource, columns: [column].into() }
    }

    #[test]
    fn hosts_of_one_make_share_their_columns_and_keep_their_names() {
        let (catalogues, rules) = (Catalogues::default(), RuleSet::default());
        let [one, same, other] = [catalogue(1, "a"), catalogue(2, "a"), catalogue(3, "b")]
            .map(|catalogue| (catalogues.work_out(&catalogue, &rules), catalogue));
        assert!([&one, &same, &other].iter().all(|(known, catalogue)| *known.catalogue == *catalogue));
        assert!(Arc::ptr_eq(&one.0.catalogue.columns, &same.0.catalogue.columns));
        assert!(Arc::ptr_eq(&one.0.bindings, &same.0.bindings));
        assert!(!Arc::ptr_eq(&one.0.catalogue.columns, &other.0.catalogue.columns));
        assert!(Arc::ptr_eq(
            &catalogues.shared(Arc::new(catalogue(4, "a"))).columns,
            &one.0.catalogue.columns
        ));
        assert_eq!(*catalogues.shared(Arc::new(catalogue(5, "c"))), catalogue(5, "c"));
        assert_eq!(catalogues.count(), 0, "nothing is added before it is committed");
    }
}
