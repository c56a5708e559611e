//! The flags of `drill load`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use simulator::load::alone::{Slo, Target};

use super::{duration, seed};

/// `drill load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Where to send requests, as URL or WEIGHT*URL; may be given several times
    #[arg(long = "target", value_name = "URL", required = true)]
    pub targets: Vec<Target>,
    /// Users, each of whom sends a request per think time, answered or not
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub users: u32,
    /// Requests per second, or journeys with --shop, instead of users
    #[arg(long, conflicts_with = "users", value_parser = rate)]
    pub rate: Option<f64>,
    /// Mean time between two requests of a user
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub think: Duration,
    /// How long to send
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub duration: Duration,
    /// From nothing to the full rate in so long, within the duration
    #[arg(long, value_parser = duration)]
    pub ramp: Option<Duration>,
    /// When requests are due
    #[arg(long, value_enum, default_value = "poisson")]
    pub arrivals: ArrivalWord,
    /// How long to wait for an answer
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Connections at once at most
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub connections: u32,
    /// Method
    #[arg(long, default_value = "GET", conflicts_with = "shop")]
    pub method: http::Method,
    /// Header, as NAME: VALUE; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Body, or @FILE
    #[arg(long, conflicts_with = "shop")]
    pub body: Option<String>,
    /// Walk the journeys of the shop's customers; the target is the door of its storefront
    #[arg(long)]
    pub shop: bool,
    /// What must be reached, as p99<250ms, errors<1% or rate>90/s; may be given several times
    #[arg(long = "slo", value_name = "OBJECTIVE")]
    pub slos: Vec<Slo>,
    /// Seed: the same seed gives the same schedule [default: drawn and printed]
    #[arg(long, value_parser = seed)]
    pub seed: Option<u64>,
    /// The figures as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// See [`LoadArgs::arrivals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArrivalWord {
    /// Independently of each other.
    Poisson,
    /// At equal distances.
    Uniform,
}

/// What the body is read from, when it begins with it.
pub fn body_file(body: &str) -> Option<PathBuf> {
    body.strip_prefix('@').map(PathBuf::from)
}

fn rate(text: &str) -> Result<f64, String> {
    text.strip_suffix("/s")
        .unwrap_or(text)
        .parse()
        .ok()
        .filter(|rate| (0.001..=1_000_000.0).contains(rate))
        .ok_or_else(|| "write a number per second from 0.001 to 1000000, as in 250".to_owned())
}

fn header(text: &str) -> Result<(http::HeaderName, http::HeaderValue), String> {
    let wrong = || "write a name and a value, as in \"accept: application/json\"".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = name.trim().parse().map_err(|_| wrong())?;
    let value = value.trim().parse().map_err(|_| wrong())?;
    Ok((name, value))
}
