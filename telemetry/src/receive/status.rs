//! How a refusal is told: as `google.rpc.Status`, with a `RetryInfo` where the sender is to try again (OpenTelemetry protocol
//! specification, "Failures" and "OTLP/HTTP Throttling"). Knows no transport.

use std::time::Duration;

use prost::Message;
use serde_json::{Value, json};

use super::admission::{RETRY_AFTER, Refused};

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    /// A `google.rpc.Code`.
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Detail {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Span>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Refused {
    /// The `google.rpc.Code`.
    pub fn code(&self) -> tonic::Code {
        match self {
            Self::TooLarge | Self::TooMany => tonic::Code::ResourceExhausted,
            Self::Busy => tonic::Code::Unavailable,
            Self::Slow => tonic::Code::DeadlineExceeded,
            Self::Broken(_) | Self::Malformed(_) => tonic::Code::InvalidArgument,
            Self::Encoding(_) => tonic::Code::Unimplemented,
            Self::Failed(_) => tonic::Code::Internal,
        }
    }

    /// When to try again, where that helps.
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Busy).then_some(RETRY_AFTER)
    }
}

impl From<&Refused> for RpcStatus {
    fn from(refused: &Refused) -> Self {
        let detail = |delay: Duration| Detail {
            type_url: RETRY_INFO.to_owned(),
            value: RetryInfo {
                retry_delay: Some(Span {
                    seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
                    nanos: delay.subsec_nanos().cast_signed(),
                }),
            }
            .encode_to_vec(),
        };
        Self {
            code: refused.code() as i32,
            message: refused.to_string(),
            details: refused.retry_after().map(detail).into_iter().collect(),
        }
    }
}

impl RpcStatus {
    /// When to try again, if it says so.
    pub fn retry_delay(&self) -> Option<Duration> {
        let detail = self
            .details
            .iter()
            .find(|detail| detail.type_url == RETRY_INFO)?;
        let delay = RetryInfo::decode(&*detail.value).ok()?.retry_delay?;
        let seconds = u64::try_from(delay.seconds).ok()?;
        Some(Duration::new(
            seconds,
            u32::try_from(delay.nanos).ok()?.min(999_999_999),
        ))
    }

    /// Its JSON form.
    pub fn json(&self) -> Value {
        let mut status = json!({ "code": self.code, "message": self.message });
        if let Some(delay) = self.retry_delay() {
            let delay = format!("{}s", delay.as_secs_f64());
            status["details"] = json!([{ "@type": RETRY_INFO, "retryDelay": delay }]);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_helps_is_to_be_tried_again() {
        let busy = RpcStatus::from(&Refused::Busy);
        let read = RpcStatus::decode(&*busy.encode_to_vec()).unwrap();
        assert_eq!(read.retry_delay(), Some(RETRY_AFTER));
        assert_eq!(read.json()["details"][0]["retryDelay"], "1s");
        assert_eq!(read.code, 14);
        let large = RpcStatus::from(&Refused::TooLarge);
        assert_eq!((large.code, large.retry_delay()), (8, None));
        assert_eq!(large.json().get("details"), None);
    }
}
