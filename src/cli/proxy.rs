//! Words of `drill proxy`. Flags that Toxiproxy's server has are called as there.

use std::path::PathBuf;

use clap::Args;

use super::seed;

/// `drill proxy`.
#[derive(Debug, Args)]
pub struct ProxyArgs {
    /// Where the control API listens
    #[arg(long, default_value = "localhost")]
    pub host: String,
    /// Its port; 0 is a free one
    #[arg(long, default_value_t = 8474)]
    pub port: u16,
    /// JSON file with proxies to begin with: a list as `POST /populate` takes it, toxics in it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seed of all chance in toxics: the same seed and order of connections give the same [default: drawn and printed]
    #[arg(long, value_parser = seed)]
    pub seed: Option<u64>,
    /// Bytes through each proxy at GET /metrics
    #[arg(long)]
    pub proxy_metrics: bool,
    /// Figures of this process at GET /metrics
    #[arg(long)]
    pub runtime_metrics: bool,
    /// What is logged on standard error: error, warn, info, debug, trace
    #[arg(long, default_value = "warn", value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub log_level: String,
    /// One proxy without a file: where it listens, as in 127.0.0.1:8080
    #[arg(long, value_name = "HOST:PORT", requires = "upstream")]
    pub listen: Option<String>,
    /// Where it connects to
    #[arg(long, value_name = "HOST:PORT", requires = "listen")]
    pub upstream: Option<String>,
    /// A toxic on it; may be given several times
    #[arg(
        long,
        value_name = "TOXIC",
        requires = "listen",
        help = "A toxic on it: TYPE[@upstream|downstream|both]=ATTRIBUTE:NUMBER,… , or ATTRIBUTE:TEXT for one on HTTP, as in http_status=status:503,path:/orders/*; may be given several times"
    )]
    pub toxic: Vec<String>,
}
