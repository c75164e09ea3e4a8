//! What operations keep beside the pool.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>);

impl Kept {
    /// The value of this type, made when it is first needed.
    pub(super) fn get<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = kept
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::<T>::default());
        match Arc::clone(value).downcast() {
            Ok(value) => value,
            Err(_) => unreachable!("the key is the type"),
        }
    }
}
