//! Temporary.
use crate::latest::Effect;
use crate::store::StoreError;
use rusqlite::{Connection, Transaction};
use std::sync::{Arc, Mutex};

/// Temporary.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Mutex<Connection>>);

impl Handle {
    /// Temporary.
    pub fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }
    /// Temporary.
    #[allow(clippy::unused_async)]
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<(T, Vec<Effect>), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut connection = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let transaction = connection.transaction()?;
        let (value, _) = change(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
