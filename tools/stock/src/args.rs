//! The command line of `holdfast stock`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::api::Target;

/// `holdfast stock …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a file of skus and stock; an interrupted import goes on where it stopped
    #[command(after_help = "Example:
  export HOLDFAST_API=https://… HOLDFAST_SHOP=dress HOLDFAST_ADMIN_TOKEN=…
  holdfast stock import stock.csv --dry-run
  holdfast stock import stock.csv --report refused.csv")]
    Import(Import),
    /// Export every sku of a shop, as a file that an import accepts
    #[command(after_help = "Example:
  export HOLDFAST_API=https://… HOLDFAST_SHOP=dress HOLDFAST_ADMIN_TOKEN=…
  holdfast stock export --out stock.csv")]
    Export(Export),
    /// Check every promise about a shop's stock, orders and money
    #[command(after_help = "Example:
  export HOLDFAST_API=https://… HOLDFAST_SHOP=dress HOLDFAST_ADMIN_TOKEN=…
  holdfast stock check --minutes 10")]
    Check(Check),
}

/// The options of a check.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Stop after so many minutes, and say where to go on
    #[arg(long, value_name = "MINUTES", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(0..=1_440))]
    pub(crate) minutes: u64,
    /// Go on where an earlier check stopped
    #[arg(long, value_name = "CURSOR")]
    pub(crate) from: Option<String>,
}

/// The options of an import.
#[derive(Debug, Args)]
pub struct Import {
    /// The file to import
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) target: Target,
    /// The file's format [default: by its ending]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Only say what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What happens to the good rows if there are bad ones
    #[arg(long, default_value = "good-rows-only")]
    pub(crate) mode: Mode,
    /// The share of its time that the database may work for this import
    #[arg(long, value_name = "PERCENT", default_value_t = 25,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) pace: u32,
    /// Write a CSV file that says what happened to each row
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// The options of an export.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The file's format [default: by its ending]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object on each line
    Jsonl,
}

impl Format {
    pub(crate) fn of(given: Option<Self>, file: &Path) -> Result<Self, String> {
        let ending = file.extension().and_then(|ending| ending.to_str());
        let ending = ending.map(str::to_ascii_lowercase);
        match (given, ending.as_deref()) {
            (Some(format), _) => Ok(format),
            (None, Some("csv")) => Ok(Self::Csv),
            (None, Some("jsonl" | "ndjson")) => Ok(Self::Jsonl),
            _ => Err(format!(
                "{}: ends neither in .csv nor in .jsonl: name its format with --format",
                file.display()
            )),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Jsonl => "application/jsonl",
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    /// Good rows are applied, refused ones are left out
    GoodRowsOnly,
    /// One refused row, and nothing changes
    AllOrNothing,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GoodRowsOnly => "good_rows_only",
            Self::AllOrNothing => "all_or_nothing",
        }
    }
}
