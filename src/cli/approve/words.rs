//! What can be typed to decide about plans.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::args::{Moment, Output};
use crate::cli::signing::Signing;
use crate::model::signed::ChangeClass;

/// What is decided about, by whom.
#[derive(Debug, Args)]
pub struct Decides {
    /// A plan saved with `plan --out`
    pub plan: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Which parts of a plan are meant.
#[derive(Debug, Args)]
pub struct PartsOf {
    /// Only the part of this site; again for each
    #[arg(long, value_name = "CODE")]
    pub site: Vec<String>,
    /// Only the parts of the sites of this pattern, by its letter; again for each
    #[arg(long, value_name = "LETTER")]
    pub pattern: Vec<String>,
}

/// How a change is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// Goes to the change board
    Normal,
    /// A repetition of something that was approved before
    Standard,
    /// Cannot wait; the board looks at it afterwards
    Emergency,
}

impl From<Class> for ChangeClass {
    fn from(class: Class) -> ChangeClass {
        match class {
            Class::Normal => ChangeClass::Normal,
            Class::Standard => ChangeClass::Standard,
            Class::Emergency => ChangeClass::Emergency,
        }
    }
}

/// Arguments of `request`.
#[derive(Debug, Args)]
pub struct Request {
    /// What is asked for, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Who built what it changes; again for each. They and who asks do not approve
    #[arg(long, value_name = "PERSON", required = true)]
    pub built_by: Vec<String>,
    /// The change's ticket
    #[arg(long, value_name = "NUMBER")]
    pub ticket: Option<String>,
    /// The change's class
    #[arg(long, value_enum, default_value_t = Class::Normal)]
    pub class: Class,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// What is approved, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Which parts
    #[command(flatten)]
    pub parts: PartsOf,
    /// What must follow, as 'shadow>=30d': for at least so many days from now on; again for each
    #[arg(long, value_name = "CONDITION")]
    pub conditional: Vec<String>,
    /// Name a step that can never be undone, as 'site/HRB01 workspace.prod'; once for each, no wildcards
    #[arg(long, value_name = "STEP")]
    pub one_way: Vec<String>,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
    /// The day or moment from which on it does not count any more
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
}

/// Arguments of `reject`.
#[derive(Debug, Args)]
pub struct Reject {
    /// What is rejected, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Which parts
    #[command(flatten)]
    pub parts: PartsOf,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// Arguments of `review`.
#[derive(Debug, Args)]
pub struct Review {
    /// What was reviewed, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Say that this condition of your approval is met
    #[arg(long, value_name = "NAME", conflicts_with = "break_glass")]
    pub condition: Option<String>,
    /// Review what was launched without its approvals
    #[arg(long)]
    pub break_glass: bool,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
}

/// Arguments of `withdraw`.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// What is taken back, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Which parts
    #[command(flatten)]
    pub parts: PartsOf,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
}

/// Commands about approvals.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// Show what was decided about a plan, what of it counts, and what is missing
    List {
        /// A plan saved with `plan --out`
        plan: PathBuf,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// The way past the approvals.
#[derive(Debug, Args)]
pub struct Glass {
    /// Launch without the approvals that are missing: an emergency, signed by somebody who could approve it
    #[arg(long, requires = "reason")]
    pub break_glass: bool,
    /// Why there is no time for approvals
    #[arg(long, requires = "break_glass")]
    pub reason: Option<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}
