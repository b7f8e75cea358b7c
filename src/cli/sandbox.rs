//! What it is like to call a served sandbox, as it is typed.

use clap::Args;

use crate::sandbox::Conditions;

/// How a sandbox behaves under load. Which calls are refused follows from the seed.
#[derive(Debug, Clone, Default, Args)]
pub struct ConditionArgs {
    /// Milliseconds that every call takes
    #[arg(long, default_value_t = 0, value_name = "N")]
    latency_ms: u64,
    /// Calls a second that the account and each workspace take; more are refused with 429 and Retry-After
    #[arg(long, value_name = "R")]
    rate: Option<u32>,
    /// Calls a second of one family of paths, such as scim=5 or unity-catalog=100
    #[arg(long, value_name = "FAMILY=R", value_parser = limit)]
    limit: Vec<(String, u32)>,
    /// Refuse so many of a hundred calls with 429
    #[arg(long, default_value_t = 0, value_name = "P", value_parser = clap::value_parser!(u8).range(..=100))]
    busy_percent: u8,
    /// Refuse so many of a hundred calls with 503
    #[arg(long, default_value_t = 0, value_name = "P", value_parser = clap::value_parser!(u8).range(..=100))]
    error_percent: u8,
}

impl ConditionArgs {
    /// The conditions that were asked for.
    pub fn conditions(self) -> Conditions {
        Conditions {
            latency_ms: self.latency_ms,
            rate: self.rate,
            limits: self.limit.into_iter().collect(),
            busy_percent: self.busy_percent,
            error_percent: self.error_percent,
        }
    }
}

fn limit(text: &str) -> Result<(String, u32), String> {
    let parts = text.split_once('=').filter(|(family, _)| !family.is_empty());
    let (family, rate) = parts.ok_or_else(|| "write a family and a rate, such as scim=5".to_owned())?;
    let rate = rate.parse().map_err(|_| format!("`{rate}` is not a number of calls a second"))?;
    Ok((family.to_owned(), rate))
}
