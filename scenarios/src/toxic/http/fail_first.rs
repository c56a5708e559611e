//! Fail first: the first requests fail and all later ones work, per connection (a backend that needs
//! warming up behind each) or for the whole link.

use serde::{Deserialize, Serialize};

use super::{Answer, Mechanism, Moment, RequestHead, Verdict, error_status, status::unavailable};

/// Fails the first requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpFailFirst {
    /// How many fail.
    #[serde(default = "one")]
    pub requests: u64,
    /// With which status, 200 to 599.
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Of what the first.
    #[serde(default)]
    pub per: Per,
}

/// What has first requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each connection.
    Connection,
    /// The link since the toxic was put on.
    #[default]
    Link,
}

const fn one() -> u64 {
    1
}

impl Mechanism for HttpFailFirst {
    const KIND: &'static str = "http_fail_first";
    const DEFINITION: &'static str = "The first requests fail, later ones work";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[
        ("requests", "how many fail; 1 if absent"),
        ("status", "200 to 599; 503 if absent"),
        (
            "per",
            "`link` or `connection`: the first of what; `link` if absent",
        ),
    ];

    fn check(&self) -> Result<(), String> {
        error_status(self.status)
    }

    fn decide(&self, _: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
        let memory = match self.per {
            Per::Connection => &mut moment.connection,
            Per::Link => &mut moment.link,
        };
        if memory.count >= self.requests {
            return Verdict::Pass;
        }
        memory.count += 1;
        Verdict::Respond(Answer {
            status: self.status,
            headers: Vec::new(),
            body: None,
        })
    }
}
