//! Each operation, applied to what those before it left.

use std::sync::Arc;

use ravelin_model::{Id, LOCAL_ZONE, Object, ObjectKind, Placement};

use super::kind::Handled;
use super::{About, Said, Work};
use crate::policy::collection::Collection;
use crate::{ControlError, Operation, Precondition, RefusalReason};

impl Work<'_> {
    pub(super) fn change<S: Handled>(&mut self, operation: Operation<S>) -> About {
        match operation {
            Operation::Create { id, spec } => self.create(id, spec),
            Operation::Replace {
                id,
                spec,
                precondition,
            } => self.replace(id, spec, precondition),
            Operation::Delete { id, precondition } => self.delete(&id, precondition),
        }
    }

    fn create<S: Handled>(&mut self, id: Option<Id<S>>, spec: S) -> About {
        let kept = S::kept(self);
        let id = id.unwrap_or_else(|| kept.objects.make_id());
        let about = (S::KIND, id.to_string());
        if !kept.objects.is_free(&id) {
            self.refuse(
                "/id",
                RefusalReason::IdTaken,
                format!("'{id}' is the id of another object"),
            );
            return about;
        }
        let Some(number) = S::number(self) else {
            let detail = format!(
                "there is no room for another {}",
                S::KIND.name().replace('_', " ")
            );
            self.refuse("", RefusalReason::Full, detail);
            return about;
        };
        let object = Object {
            id: id.clone(),
            number,
            spec,
            updated_at: self.ground.at,
            revision: self.ground.next_revision,
        };
        let operation = self.operation;
        let kept = S::kept(self);
        kept.objects.push(Arc::new(object));
        kept.said.push(Said { operation, id });
        about
    }

    pub(super) fn create_at<S: Handled>(
        &mut self,
        id: Option<Id<S>>,
        spec: S,
        placement: &Placement<S>,
    ) -> About {
        if !self.has_anchor(placement) {
            return (S::KIND, String::new());
        }
        let (kind, text) = self.create(id, spec);
        if let Ok(id) = text.parse::<Id<S>>()
            && S::kept(self).objects.get(&id).is_some()
        {
            S::kept(self).objects.place(&id, placement);
        }
        (kind, text)
    }

    /// The object at the revision asked for.
    fn existing<S: Handled>(&mut self, id: &Id<S>, precondition: Precondition) -> Option<Arc<Object<S>>> {
        let Some(object) = S::kept(self).objects.get(id).cloned() else {
            let reason = RefusalReason::Unknown {
                kind: S::KIND,
                id: id.to_string(),
            };
            self.refuse(
                "",
                reason,
                format!("there is no {} '{id}'", S::KIND.name().replace('_', " ")),
            );
            return None;
        };
        // One that an operation of the same commit made or changed is as good as at the revision that was read.
        let touched = object.revision == self.ground.next_revision;
        match precondition.check(object.revision) {
            Err(ControlError::Stale { current }) if !touched => {
                let detail = format!("'{id}' is at revision {}", current.0);
                self.refuse("", RefusalReason::Stale { current }, detail);
                None
            }
            _ => Some(object),
        }
    }

    fn replace<S: Handled>(&mut self, id: Id<S>, spec: S, precondition: Precondition) -> About {
        let about = (S::KIND, id.to_string());
        let Some(old) = self.existing(&id, precondition) else {
            return about;
        };
        if old.spec == spec {
            return about;
        }
        let object = Object {
            id: id.clone(),
            number: old.number,
            spec,
            updated_at: self.ground.at,
            revision: self.ground.next_revision,
        };
        let operation = self.operation;
        let kept = S::kept(self);
        kept.objects.replace(Arc::new(object));
        kept.said.push(Said { operation, id });
        about
    }

    fn delete<S: Handled>(&mut self, id: &Id<S>, precondition: Precondition) -> About {
        let about = (S::KIND, id.to_string());
        if self.existing(id, precondition).is_none() {
            return about;
        }
        if S::KIND == ObjectKind::Zone && id.as_str() == LOCAL_ZONE {
            self.refuse(
                "",
                RefusalReason::BuiltIn,
                "the zone 'local' is built in and cannot be deleted",
            );
            return about;
        }
        let operation = self.operation;
        let kept = S::kept(self);
        kept.objects.remove(id);
        kept.deleted.push(Said {
            operation,
            id: id.clone(),
        });
        about
    }

    fn has_anchor<S: Handled>(&mut self, placement: &Placement<S>) -> bool {
        let Some(anchor) = Collection::anchor(placement) else {
            return true;
        };
        if S::kept(self).objects.get(anchor).is_some() {
            return true;
        }
        let pointer = match placement {
            Placement::Before(_) => "/before",
            _ => "/after",
        };
        let detail = format!(
            "names the {} '{anchor}', which does not exist",
            S::KIND.name().replace('_', " ")
        );
        self.refuse(pointer, RefusalReason::BadReference, detail);
        false
    }

    pub(super) fn put_elsewhere<S: Handled + Clone>(
        &mut self,
        id: &Id<S>,
        placement: &Placement<S>,
        precondition: Precondition,
    ) -> About {
        let about = (S::KIND, id.to_string());
        let Some(object) = self.existing(id, precondition) else {
            return about;
        };
        if self.has_anchor(placement) && S::kept(self).objects.place(id, placement) {
            let moved = Object {
                updated_at: self.ground.at,
                revision: self.ground.next_revision,
                ..(*object).clone()
            };
            S::kept(self).objects.replace(Arc::new(moved));
        }
        about
    }

    pub(super) fn order<S: Handled>(&mut self, order: Vec<Id<S>>, precondition: Precondition) -> About {
        let about = (S::KIND, String::new());
        if let Err(ControlError::Stale { current }) = precondition.check(self.ground.revision) {
            let detail = format!("the policy is at revision {}", current.0);
            self.refuse("", RefusalReason::Stale { current }, detail);
        } else if S::kept(self).objects.is_order(&order) {
            S::kept(self).objects.set_order(order);
        } else {
            let detail = format!(
                "does not name every {} there is, each once",
                S::KIND.name().replace('_', " ")
            );
            self.refuse("", RefusalReason::Invalid, detail);
        }
        about
    }
}
