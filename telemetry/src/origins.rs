//! Shares the description of where records come from. Knows no signal.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::attributes::Attribute;
use crate::attributes::{Interner, Text, Value};

/// Distinct origins (process and scope) remembered for sharing. At the limit all are forgotten;
/// records keep theirs.
const ORIGINS_MAX: usize = 4096;

/// Where records come from: one instrumented library in one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// `service.name` of the resource; `unknown_service` where it has none (the SDKs' default).
    pub service: Text,
    /// All attributes of the resource, names as written.
    pub resource: Vec<Attribute>,
    /// Name of the instrumentation scope.
    pub scope: Text,
}

impl Origin {
    /// Bytes that it accounts for; shared text counts in full.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let attributes = self.resource.iter().map(Attribute::bytes);
        size_of::<Self>() + self.service.len() + self.scope.len() + attributes.sum::<usize>()
    }
}

/// Gives equal origins one allocation.
#[derive(Debug, Default)]
pub struct Origins {
    known: HashMap<Vec<u8>, Arc<Origin>>,
}

impl Origins {
    /// The shared origin of a batch's resource and scope.
    pub fn origin(
        &mut self,
        interner: &mut Interner,
        resource: Option<&Resource>,
        scope: &str,
    ) -> Arc<Origin> {
        let mut key = resource.map(Message::encode_to_vec).unwrap_or_default();
        key.push(0xff);
        key.extend_from_slice(scope.as_bytes());
        if let Some(origin) = self.known.get(&key) {
            return origin.clone();
        }
        let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
        let resource = interner.attributes(attributes);
        let service = crate::attributes::find(&resource, "service.name");
        let service = service.map_or("unknown_service".into(), Value::text);
        let origin = Arc::new(Origin {
            service: interner.text(&service),
            scope: interner.text(scope),
            resource,
        });
        if self.known.len() >= ORIGINS_MAX {
            self.known.clear();
        }
        self.known.insert(key, origin.clone());
        origin
    }
}
