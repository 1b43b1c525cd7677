//! The objects of one kind while operations are applied to them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use ravelin_model::{Id, Kind, Object, Placement};

/// Objects by id, and their order where the kind has one.
#[derive(Debug)]
pub(super) struct Collection<S: Kind> {
    pub(super) objects: HashMap<Id<S>, Arc<Object<S>>>,
    /// May name objects that are gone; they are left out at the end.
    order: Vec<Id<S>>,
    gone: HashSet<Id<S>>,
}

impl<S: Kind> Collection<S> {
    pub(super) fn of<'a>(objects: impl IntoIterator<Item = &'a Arc<Object<S>>>) -> Self
    where
        S: 'a,
    {
        let (mut by_id, mut order) = (HashMap::new(), Vec::new());
        for object in objects {
            order.push(object.id.clone());
            by_id.insert(object.id.clone(), Arc::clone(object));
        }
        Self {
            objects: by_id,
            order,
            gone: HashSet::new(),
        }
    }

    pub(super) fn get(&self, id: &Id<S>) -> Option<&Arc<Object<S>>> {
        self.objects.get(id)
    }

    /// Whether the id is free; one of an object that goes in the same commit is not.
    pub(super) fn is_free(&self, id: &Id<S>) -> bool {
        !self.objects.contains_key(id) && !self.gone.contains(id)
    }

    /// An id nobody has.
    pub(super) fn make_id(&self) -> Id<S> {
        loop {
            let random = RandomState::new().hash_one(0);
            let text = format!("{}{random:016x}", S::PREFIX);
            if let Ok(id) = text.parse()
                && self.is_free(&id)
            {
                return id;
            }
        }
    }

    /// Adds an object behind the others.
    pub(super) fn push(&mut self, object: Arc<Object<S>>) {
        self.order.push(object.id.clone());
        self.objects.insert(object.id.clone(), object);
    }

    /// Puts another version of an object in its place.
    pub(super) fn replace(&mut self, object: Arc<Object<S>>) {
        self.objects.insert(object.id.clone(), object);
    }

    pub(super) fn remove(&mut self, id: &Id<S>) {
        self.objects.remove(id);
        self.gone.insert(id.clone());
    }

    /// The object a placement names, if it does.
    pub(super) fn anchor(placement: &Placement<S>) -> Option<&Id<S>> {
        match placement {
            Placement::First | Placement::Last => None,
            Placement::Before(id) | Placement::After(id) => Some(id),
        }
    }

    /// Puts an object elsewhere; the placement names one that is there. Whether that made a difference.
    pub(super) fn place(&mut self, id: &Id<S>, placement: &Placement<S>) -> bool {
        if Self::anchor(placement) == Some(id) {
            return false;
        }
        self.order.retain(|other| !self.gone.contains(other));
        let Some(old) = self.order.iter().position(|other| other == id) else {
            return false;
        };
        let id = self.order.remove(old);
        let of = |anchor: &Id<S>| self.order.iter().position(|other| other == anchor);
        let new = match placement {
            Placement::First => Some(0),
            Placement::Last => None,
            Placement::Before(anchor) => of(anchor),
            Placement::After(anchor) => of(anchor).map(|at| at + 1),
        };
        let new = new.unwrap_or(self.order.len());
        self.order.insert(new, id);
        old != new
    }

    /// Whether these are all there are, each once.
    pub(super) fn is_order(&self, order: &[Id<S>]) -> bool {
        let named: HashSet<&Id<S>> = order.iter().collect();
        named.len() == order.len()
            && order.len() == self.objects.len()
            && order.iter().all(|id| self.objects.contains_key(id))
    }

    /// Puts all in order.
    pub(super) fn set_order(&mut self, order: Vec<Id<S>>) {
        self.order = order;
    }

    /// The objects in order.
    pub(super) fn into_vec(self) -> Vec<Arc<Object<S>>> {
        let Self {
            mut objects, order, ..
        } = self;
        order.iter().filter_map(|id| objects.remove(id)).collect()
    }

    /// The objects by id.
    pub(super) fn into_map(self) -> BTreeMap<Id<S>, Arc<Object<S>>> {
        self.objects.into_iter().collect()
    }
}
