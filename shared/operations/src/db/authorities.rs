//! The certificate authorities that are trusted.

use postgres_native_tls::MakeTlsConnector;

use super::config::Authorities;
use crate::config::ConfigError;

/// The authorities of RDS in each region, and Amazon's public roots, which issue RDS Proxy's
/// certificates. `tools/ca/update` writes this file. The comment above each certificate is its
/// name.
const RDS: &str = include_str!("rds-ca.pem");
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// TLS that trusts only these authorities.
pub(super) fn connector(trusted: &Authorities) -> Result<MakeTlsConnector, ConfigError> {
    let (variable, place, pem) = match trusted {
        Authorities::File(file) => {
            let (variable, place) = ("DATABASE_CA_FILE", file.display().to_string());
            let pem = std::fs::read_to_string(file)
                .map_err(|error| unusable(variable, &place, &error))?;
            (variable, place, pem)
        }
        Authorities::Rds { region } => {
            let place = "rds".to_owned();
            ("DATABASE_CA", place, rds(region.as_deref()))
        }
    };
    let named = |error: &dyn std::fmt::Display| unusable(variable, &place, error);
    let authorities =
        native_tls::Certificate::stack_from_pem(pem.as_bytes()).map_err(|error| named(&error))?;
    if authorities.is_empty() {
        return Err(named(&"holds no certificate in PEM form"));
    }
    // The system's authorities are left out: they are not needed, and loading them takes most of a
    // cold start.
    let mut builder = native_tls::TlsConnector::builder();
    builder
        .disable_built_in_roots(true)
        .min_protocol_version(Some(native_tls::Protocol::Tlsv12));
    for authority in authorities {
        builder.add_root_certificate(authority);
    }
    builder
        .build()
        .map(MakeTlsConnector::new)
        .map_err(|error| named(&error))
}

fn unusable(variable: &'static str, place: &str, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Invalid {
        variable,
        reason: format!("{place}: {error}"),
    }
}

/// The authorities for a region: its own three and Amazon's. All regions together add 3 to 8 ms to
/// a cold start. Without a region all are taken.
fn rds(region: Option<&str>) -> String {
    let wanted = |name: &str| match (name.strip_prefix("# Amazon RDS "), region) {
        (Some(of), Some(region)) => of.split(' ').next() == Some(region),
        _ => true,
    };
    let named = RDS.split("\n\n").filter(|block| block.contains(BEGIN));
    named
        .filter(|block| wanted(block.lines().next().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
