//! A sale as its owner watches it: read.

pub mod read;

pub use read::{EndingHold, Filter, Minute, Sale, SaleSku, Totals, read};
