//! `landfall evidence export`: the bundle of one site, of a wave's sites, or of all.

use std::path::PathBuf;

use clap::Args;

use super::collect::{self, From};
use super::exit::Exit;
use super::ui::Ui;
use crate::base::diagnostic::nearest;
use crate::base::id::{LogId, ScopeId, SiteCode, WaveName};
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::Loaded;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::export::many::{OneOfMany, export_all};
use crate::ops::export::{Form, Wanted};
use crate::ops::plan::Asked;
use crate::ops::{self, Context};

/// Arguments of `evidence export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Whose bundles
    #[command(flatten)]
    pub of: Of,
    /// The folder to write, or a file that ends in .tar.gz; of several sites, the folder of their bundles [default: below
    /// the state folder]
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Write each bundle as one file, CODE.tar.gz
    #[arg(long)]
    pub archive: bool,
    /// The bundle or checkpoint that this one must continue [default: what was last exported]
    #[arg(long, value_name = "PATH", requires = "site")]
    pub previous: Option<PathBuf>,
    /// Read the populations from the platform first, as `collect` does
    #[arg(long)]
    pub collect: bool,
    /// Where from
    #[command(flatten)]
    pub from: From,
}

/// Which sites.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Of {
    /// The site
    #[arg(long, value_name = "CODE", conflicts_with = "all")]
    pub site: Option<String>,
    /// The sites of this wave; with --site, the wave that it must be in
    #[arg(long, value_name = "WAVE", conflicts_with = "all")]
    pub wave: Option<String>,
    /// Every site
    #[arg(long)]
    pub all: bool,
}

impl Of {
    fn asked(&self) -> Asked {
        match (&self.site, &self.wave) {
            (Some(site), _) => Asked::Sites(vec![site.clone()]),
            (None, Some(wave)) => Asked::Wave(wave.clone()),
            (None, None) => Asked::All,
        }
    }
}

/// Writes what was asked for. Only names are taken from the estate's files: what is wrong in them keeps nobody from their
/// evidence.
pub fn export(ui: &Ui, context: &Context, args: Export) -> Result<Exit, Failure> {
    if args.collect {
        collect::before_export(ui, context, &args.of.asked(), &args.from)?;
    }
    let (loaded, _) = Desired::load(&context.root, None)?;
    match &args.of.site {
        Some(site) => one(ui, context, &loaded, site, &args),
        None => several(ui, context, &loaded, &args),
    }
}

fn one(ui: &Ui, context: &Context, loaded: &Loaded, site: &str, args: &Export) -> Result<Exit, Failure> {
    let code = code(loaded, site)?;
    let wanted = Wanted { previous: args.previous.clone(), ..wanted(loaded, code) };
    if let Some(wave) = &args.of.wave
        && wanted.wave.as_ref().map(WaveName::as_str) != Some(wave)
    {
        let help =
            wanted.wave.as_ref().map_or("it is in no wave".to_owned(), |own| format!("it is in {own}"));
        return Err(Failure::usage(format!("{site} is not in wave `{wave}`"), help));
    }
    let form = if args.archive { Form::Archive } else { Form::Folder };
    let place = || context.state.join("bundles").join(form.name(&stamped(context, site)));
    let out = args.out.clone().unwrap_or_else(place);
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let exported = ops::export::export(context, &mut journal, &wanted, &out)?;
    for trouble in &exported.troubles {
        ui.always(&format!("warning: {trouble}; it is tried again with the next export"));
    }
    super::witness::checkpoints(ui, context, &journal, &loaded.estate);
    ui.say(&format!("{} entries, {} files", exported.entries, exported.files));
    ui.say(&format!("Log key, to be kept outside the bundle: {}", exported.log_key));
    ui.line(&exported.path.display().to_string());
    ui.say(&format!("Next: landfall evidence verify {}", exported.path.display()));
    Ok(Exit::Done)
}

fn several(ui: &Ui, context: &Context, loaded: &Loaded, args: &Export) -> Result<Exit, Failure> {
    let (sites, silent) = sites(context, loaded, args.of.wave.as_deref())?;
    let name = args.of.wave.as_deref().unwrap_or("all");
    let out = args.out.clone().unwrap_or_else(|| context.state.join("bundles").join(stamped(context, name)));
    let form = if args.archive { Form::Archive } else { Form::Folder };
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let open = || Ok(Box::new(SqliteJournal::open_read_only(&context.journal_dir())?) as Box<dyn Journal>);
    let wanted = sites.into_iter().map(|site| wanted(loaded, site)).collect();
    let all = export_all(context, &mut journal, &open, wanted, &out, form)?;
    super::witness::checkpoints(ui, context, &journal, &loaded.estate);
    let failed = told(ui, &all);
    if !silent.is_empty() {
        let codes: Vec<&str> = silent.iter().map(SiteCode::as_str).collect();
        ui.say(&format!("Nothing was ever done at {}", codes.join(", ")));
    }
    ui.say(&format!("{} bundles in {}", all.len() - failed, out.display()));
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// Names each bundle, and each site that has none; gives how many those are.
fn told(ui: &Ui, all: &[OneOfMany]) -> usize {
    let mut failed = 0;
    for OneOfMany { wanted, exported } in all {
        match exported {
            Ok(exported) => {
                for trouble in &exported.troubles {
                    ui.always(&format!(
                        "warning: {}: {trouble}; it is tried again with the next export",
                        wanted.site
                    ));
                }
                ui.line(&exported.path.display().to_string());
            }
            Err(error) => {
                failed += 1;
                ui.always(&format!("{}: {error}", wanted.site));
            }
        }
    }
    failed
}

/// The sites that something is recorded of, and those of which nothing is.
fn sites(
    context: &Context,
    loaded: &Loaded,
    wave: Option<&str>,
) -> Result<(Vec<SiteCode>, Vec<SiteCode>), Failure> {
    let waves = &loaded.estate.waves;
    if let Some(name) = wave
        && !waves.iter().any(|wave| wave.name.as_str() == name)
    {
        let names: Vec<&str> = waves.iter().map(|wave| wave.name.as_str()).collect();
        let help = format!("the waves are: {}", names.join(", "));
        return Err(Failure::usage(format!("no wave is called `{name}`"), help));
    }
    let known = SqliteJournal::open_read_only(&context.journal_dir())?.heads()?;
    let meant = |site: &SiteCode| {
        let own = loaded.wave_of(site.as_str()).map(|own| own.name.as_str());
        wave.is_none() || own == wave
    };
    let codes = loaded.sites.iter().filter_map(|site| SiteCode::new(site.written_code.value.as_str()).ok());
    let meant = codes.filter(meant);
    Ok(meant.partition(|site| known.contains_key(&LogId::Scope(ScopeId::Site(site.clone())))))
}

/// The site of this code.
fn code(loaded: &Loaded, typed: &str) -> Result<SiteCode, Failure> {
    let found = SiteCode::new(typed).ok().filter(|code| loaded.site(code).is_some());
    found.ok_or_else(|| {
        let known = loaded.sites.iter().map(|site| site.written_code.value.as_str());
        let near = nearest(typed, known.clone());
        let help = near.map_or_else(
            || format!("the sites are: {}", known.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        Failure::usage(format!("no site is called `{typed}`"), help)
    })
}

fn wanted(loaded: &Loaded, site: SiteCode) -> Wanted {
    Wanted {
        wave: loaded.wave_of(site.as_str()).map(|wave| wave.name.clone()),
        site,
        estate: loaded.estate.name.clone(),
        rehearsal: false,
        previous: None,
        actor: ops::person(),
        timestamps: loaded.estate.timestamps.clone(),
    }
}

/// The name of a bundle, or of a folder of bundles, if nobody gives one.
fn stamped(context: &Context, name: &str) -> String {
    let stamp = context.clock.now().to_string().replace([':', '.'], "-");
    format!("{name}-{stamp}")
}
