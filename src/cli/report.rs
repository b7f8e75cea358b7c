//! `landfall report`: how long sites took, with the entries behind every figure.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::args::{CoverageOutput, Output};
use super::exit::Exit;
use super::inspect::{read_journal, table};
use super::ui::Ui;
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};
use crate::report::provisioning::{EntryRef, ProvisioningTime, hours};
use crate::report::{approvals, effort, milestones, phi_flow, plan_ninety, run};

/// Report commands.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// What came of a launch: each step with its cause, effect and time, failures grouped by their cause
    Run {
        /// The launch [default: the newest]
        run: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = CoverageOutput::Text)]
        output: CoverageOutput,
    },
    /// Hours of each site from the start of its run until every verification held
    ProvisioningTime {
        /// The sites of this wave only
        #[arg(long, value_name = "WAVE")]
        wave: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Where the first ninety days stand: sites live by their day, with the controls that had to hold
    Milestones {
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Each row of the plan of the first ninety days: whose it is, its days, and where it stands
    #[command(name = "plan-90")]
    Plan90 {
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// How long decisions took by role, at the sites and centrally, and what is overdue
    Approvals {
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// What each site cost people: steps that went by themselves, decisions, and how long it waited for whom
    Effort {
        /// One site only
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Requests for rights against the time they may take, and how far recertification is
    AccessSla {
        /// One site only
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Every site against the baseline: what packs and standards ask for now, against what is there; changes nothing
    Conformance(Box<super::conformance::ConformanceArgs>),
    /// What does not hold and who answers for that, until when, and what is done instead
    Waivers {
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Where the PHI of a site is created, transformed and consumed, and what is consumed without having been declared
    PhiFlow {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = FlowFormat::Text)]
        format: FlowFormat,
    },
    /// Dashboards for the program, compliance and each site, as pages without scripts
    Html(super::html::HtmlArgs),
    /// How much of the evidence that is asked for is there, by site and theme, with gaps, and how it stood wave by wave
    Evidence(super::controls::EvidenceReport),
    /// Calendar days of each site from its first launch until it was done, against those it may take
    CycleTime {
        /// The wave
        #[arg(long, value_name = "WAVE")]
        wave: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// How a map of flows is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlowFormat {
    /// For people
    Text,
    /// As a Mermaid flow chart
    Mermaid,
    /// For programs
    Json,
}

fn flow(ui: &Ui, context: &Context, site: &str, format: FlowFormat) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let code = ops::plan::site(&desired, site)?;
    let map = phi_flow::of_site(&desired.loaded.registers, code.as_str());
    match format {
        FlowFormat::Text => ui.data(&phi_flow::text(&map)),
        FlowFormat::Mermaid => ui.data(&phi_flow::mermaid(&map)),
        FlowFormat::Json => ui.json(&json!(map)),
    }
    Ok(Exit::Done)
}

pub fn report(ui: &Ui, context: &Context, command: &ReportCommand) -> Result<Exit, Failure> {
    if let ReportCommand::Conformance(args) = command {
        return super::conformance::conformance(ui, context, args);
    }
    if let ReportCommand::Evidence(args) = command {
        return super::controls::report(ui, context, args);
    }
    if let ReportCommand::Waivers { moment, output } = command {
        return super::checklist::waiver_report(ui, context, moment, *output);
    }
    if let ReportCommand::PhiFlow { site, format } = command {
        return flow(ui, context, site, *format);
    }
    let desired = Desired::read(&context.root)?;
    let journal: Box<dyn Journal> = match read_journal(context)? {
        Some(journal) => Box::new(journal),
        None => Box::new(MemoryJournal::new()),
    };
    match command {
        ReportCommand::Html(args) => return super::html::html(ui, context, &desired, &*journal, args),
        ReportCommand::Run { run, output } => {
            let report = ops::run_report::run_report(&*journal, run.as_deref())?;
            match output {
                CoverageOutput::Text => ui.data(&run::text(&report)),
                CoverageOutput::Json => ui.json(&json!(report)),
                CoverageOutput::Csv => ui.data(&run::csv(&report)),
            }
        }
        ReportCommand::Conformance(_)
        | ReportCommand::Evidence(_)
        | ReportCommand::Waivers { .. }
        | ReportCommand::PhiFlow { .. } => {}
        ReportCommand::Milestones { moment, output } => {
            let now = super::run::at(context, moment)?.clock.now();
            let all = ops::milestones::milestones(&desired, &*journal, now)?;
            match output {
                Output::Json => ui.json(&json!({ "v": 1, "as_of": now, "milestones": all })),
                Output::Text => ui.data(&milestones::text(&all)),
            }
        }
        ReportCommand::Plan90 { moment, output } => {
            let now = super::run::at(context, moment)?.clock.now();
            let rows = ops::plan_ninety::plan_ninety(&desired, &*journal, now)?;
            match output {
                Output::Json => ui.json(&json!({ "v": 1, "as_of": now, "rows": rows })),
                Output::Text => ui.data(&plan_ninety::text(&rows)),
            }
        }
        ReportCommand::Approvals { moment, output } => {
            let now = super::run::at(context, moment)?.clock.now();
            let report = ops::effort::approvals(&desired, &*journal, now)?;
            match output {
                Output::Json => ui.json(&json!({ "v": 1, "as_of": now, "approvals": report })),
                Output::Text => ui.data(&approvals::text(&report)),
            }
        }
        ReportCommand::Effort { site, output } => {
            let site = site.as_deref().map(|code| ops::plan::site(&desired, code)).transpose()?;
            let mut all = ops::effort::efforts(&desired, &*journal)?;
            all.retain(|one| site.as_ref().is_none_or(|site| one.site == *site));
            match output {
                Output::Json => ui.json(&json!({ "v": 1, "sites": all })),
                Output::Text => ui.data(&effort::text(&all)),
            }
        }
        ReportCommand::AccessSla { site, moment, output } => {
            let context = &super::run::at(context, moment)?;
            access_sla(ui, context, &desired, &*journal, site.as_deref(), *output)?
        }
        ReportCommand::ProvisioningTime { wave, output } => {
            let times = ops::reports::provisioning_times(&desired.loaded, &*journal, wave.as_deref())?;
            provisioning(ui, &times, *output);
        }
        ReportCommand::CycleTime { wave, output } => {
            let now = context.clock.now();
            let times = ops::reports::cycle_times(&desired.loaded, &*journal, wave, now)?;
            if *output == Output::Json {
                ui.json(&json!({ "v": 1, "wave": wave, "as_of": now, "sites": times }));
                return Ok(Exit::Done);
            }
            let mut shown = table(&["SITE", "DAYS", "MAX", "STANDING", "FROM", "TO"]);
            for time in &times {
                let days = time.days.map_or(String::new(), |days| days.to_string());
                let (start, end) = (entry(time.start.as_ref()), entry(time.end.as_ref()));
                let max = time.days_max.to_string();
                shown.add_row([time.site.to_string(), days, max, time.standing.words(), start, end]);
            }
            ui.line(&shown.to_string());
        }
    }
    Ok(Exit::Done)
}

fn provisioning(ui: &Ui, times: &[ProvisioningTime], output: Output) {
    if output == Output::Json {
        ui.json(&json!({ "v": 1, "unit": "milliseconds", "sites": times }));
        return;
    }
    let mut shown = table(&["SITE", "HOURS", "ACTIVE", "WAITING", "RUNS", "STARTED", "VALIDATED"]);
    for time in times {
        let figure = |length| if time.started.is_some() { hours(length) } else { String::new() };
        let validated = match (&time.started, &time.validated) {
            (None, _) => "not started".to_owned(),
            (Some(_), None) => "not yet".to_owned(),
            (Some(_), Some(_)) => entry(time.validated.as_ref()),
        };
        shown.add_row([
            time.site.to_string(),
            figure(time.total),
            figure(time.active),
            figure(time.waiting),
            time.runs.to_string(),
            entry(time.started.as_ref()),
            validated,
        ]);
    }
    ui.line(&shown.to_string());
}

fn access_sla(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    site: Option<&str>,
    output: Output,
) -> Result<(), Failure> {
    let sites = match site {
        Some(code) => vec![ops::plan::site(desired, code)?],
        None => desired.rendered.keys().filter_map(|scope| scope.site().cloned()).collect(),
    };
    let now = context.clock.now();
    let all = ops::access::access_report(&desired.loaded.estate, journal, &sites, now)?;
    if output == Output::Json {
        ui.json(&json!({ "v": 1, "as_of": now, "sites": all }));
        return Ok(());
    }
    let mut shown = table(&["SITE", "REQUESTS", "MEDIAN H", "P95 H", "LATE", "CAMPAIGN", "ANSWERED", "DUE"]);
    let figure = |hours: Option<f64>| hours.map_or(String::new(), |hours| format!("{hours:.1}"));
    for one in &all {
        shown.add_row([
            one.site.to_string(),
            one.requests.requests.to_string(),
            figure(one.requests.median_hours),
            figure(one.requests.p95_hours),
            one.requests.breaches.join(" "),
            one.campaign.clone().unwrap_or_default(),
            one.answered_percent.map_or(String::new(), |percent| format!("{percent} %")),
            one.due.map_or(String::new(), |due| due.to_string()),
        ]);
    }
    ui.line(&shown.to_string());
    Ok(())
}

fn entry(entry: Option<&EntryRef>) -> String {
    entry.map_or(String::new(), |entry| format!("{} {}", entry.at, entry.id))
}
