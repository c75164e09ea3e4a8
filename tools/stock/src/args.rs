//! The command line.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

/// `holdfast stock …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a file of skus and stock; an interrupted import goes on where it stopped
    Import(Import),
    /// Export every sku of a shop, as a file that an import accepts
    Export(Export),
}

/// Where, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// URL of the admin API, without /v1
    #[arg(long, env = "HOLDFAST_API", value_name = "URL", value_parser = parse_url)]
    pub(crate) api: String,
    /// The shop
    #[arg(long, env = "HOLDFAST_SHOP", value_parser = parse_shop)]
    pub(crate) shop: String,
    /// The token of the admin API
    #[arg(
        long,
        env = "HOLDFAST_ADMIN_TOKEN",
        hide_env_values = true,
        value_name = "T"
    )]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub struct Import {
    /// What to import
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Of the file [default: by its ending]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Only say what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What happens to the good rows when there are bad ones
    #[arg(long, default_value = "good-rows-only")]
    pub(crate) mode: Mode,
    /// How much of the time the database may be at work for this, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 25,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) pace: u32,
    /// Write what happened to each row here, as CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Go on with this import [default: from the file's content]
    #[arg(long, value_name = "UUID")]
    pub(crate) import_id: Option<Uuid>,
}

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Of the file [default: by its ending]
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
    /// An object a line
    Jsonl,
}

impl Format {
    pub(crate) fn of(given: Option<Self>, file: &std::path::Path) -> Result<Self, String> {
        let ending = file.extension().and_then(|ending| ending.to_str());
        match (given, ending) {
            (Some(format), _) => Ok(format),
            (None, Some("csv")) => Ok(Self::Csv),
            (None, Some("jsonl" | "ndjson")) => Ok(Self::Jsonl),
            _ => Err(format!(
                "{}: ends neither in .csv nor in .jsonl: say which it is with --format",
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
    /// They are applied, refused ones left out
    GoodRowsOnly,
    /// Nothing changes
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

fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err("must start with http:// or https://".to_owned())
    }
}

fn parse_shop(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if (1..=12).contains(&text.len()) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("a shop is 1 to 12 characters of a-z 0-9".to_owned())
    }
}
