//! TLS to PostgreSQL: the server is verified against the configured authority. A refusal says what
//! is wrong and how to repair it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use local::postgres::{SUPERUSER, TlsFiles};
use local::{Cluster, ClusterOptions};
use operations::cause::causes;
use operations::db::{self, Database, Failure};
use operations::db::{DatabaseConfig, Keeper};
use operations::login::Signer;
use operations::secret::{Fetching, Store};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Two authorities, and the certificates of this test's servers.
struct Files {
    folder: TempDir,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let files = Files {
        folder: tempfile::tempdir().unwrap(),
    };
    let ours = files.authority("ours");
    let theirs = files.authority("theirs");
    files.server(&ours, "good", "localhost", 2090);
    files.server(&ours, "expired", "localhost", 2020);
    files.server(&theirs, "foreign", "localhost", 2090);
    files.self_signed("own", "localhost");
    std::fs::write(files.path("empty.pem"), "nothing in PEM form\n").unwrap();
    files
});

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn authority(&self, name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let common_name = format!("Test authority {name}");
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, common_name);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), authority.pem()).unwrap();
        authority
    }

    fn server(&self, authority: &Authority, name: &str, host: &str, until_year: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
        let certificate = params.signed_by(&key, authority).unwrap();
        self.write(name, &certificate, &key);
    }

    fn self_signed(&self, name: &str, host: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        self.write(name, &params.self_signed(&key).unwrap(), &key);
    }

    fn write(&self, name: &str, certificate: &Certificate, key: &KeyPair) {
        std::fs::write(self.path(&format!("{name}.crt")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// A server on 127.0.0.1 with this certificate, or without one.
fn server(certificate: Option<&str>) -> Cluster {
    let tls = certificate.map(|name| TlsFiles {
        certificate: FILES.path(&format!("{name}.crt")),
        key: FILES.path(&format!("{name}.key")),
    });
    let cluster = Cluster::start(ClusterOptions {
        tcp_port: Some(0),
        tls,
        ..ClusterOptions::default()
    });
    let cluster = cluster.unwrap();
    cluster
        .execute("postgres", "alter role postgres password 'secret-word'")
        .unwrap();
    cluster
}

static GOOD: LazyLock<Cluster> = LazyLock::new(|| server(Some("good")));

fn config(cluster: &Cluster, host: &str, ca_file: &Path) -> DatabaseConfig {
    let url = cluster.tcp_url(host, SUPERUSER, "secret-word", "postgres");
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.clone()),
        "DATABASE_CA_FILE" => Some(ca_file.display().to_string()),
        _ => None,
    };
    DatabaseConfig::parse("test", variable).unwrap()
}

async fn connect(cluster: &Cluster, host: &str, ca: &str) -> Result<String, Failure> {
    let config = config(cluster, host, &FILES.path(ca));
    // A migration's single connection and the functions' pool connect in the same way.
    let single = db::connect(&config).await.map(drop);
    let pool = Database::new(&config).unwrap();
    let version = "select version from pg_stat_ssl where pid = pg_backend_pid()";
    let answered = pool.call_one(version, &[]).await;
    assert_eq!(single.is_ok(), answered.is_ok());
    answered.map(|row| row.get(0))
}

/// Refused for good: the pool tries no such failure again. The text names the remedy.
async fn assert_refused(cluster: &Cluster, host: &str, ca: &str, words: &[&str]) {
    let failure = connect(cluster, host, ca).await.unwrap_err();
    let text = causes(&failure);
    assert!(matches!(failure, Failure::Refused(_)), "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("secret-word"), "{text}");
}

const REMEDY: [&str; 2] = ["DATABASE_CA_FILE", "DATABASE_URL"];

#[tokio::test]
async fn a_server_with_the_right_certificate_is_trusted() {
    let version = connect(&GOOD, "localhost", "ours.pem").await.unwrap();
    assert!(version.starts_with("TLSv1."), "{version}");
}

#[tokio::test]
async fn an_authority_among_several_in_the_file_is_enough() {
    let both = ["theirs.pem", "ours.pem"].map(|name| std::fs::read(FILES.path(name)).unwrap());
    std::fs::write(FILES.path("both.pem"), both.concat()).unwrap();
    connect(&GOOD, "localhost", "both.pem").await.unwrap();
}

#[tokio::test]
async fn another_authoritys_server_is_refused() {
    assert_refused(&GOOD, "localhost", "theirs.pem", &REMEDY).await;
    assert_refused(&server(Some("foreign")), "localhost", "ours.pem", &REMEDY).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    assert_refused(&server(Some("own")), "localhost", "ours.pem", &REMEDY).await;
}

/// The compiled-in authorities trust AWS only, not the authorities of the operating system.
#[tokio::test]
async fn the_authorities_of_rds_are_no_others() {
    for region in ["", "ap-south-1", "moon-west-1"] {
        let url = GOOD.tcp_url("localhost", SUPERUSER, "secret-word", "postgres");
        let config = DatabaseConfig::parse("test", |name| match name {
            "DATABASE_URL" => Some(url.clone()),
            "DATABASE_CA" => Some("rds".to_owned()),
            "AWS_REGION" => Some(region.to_owned()),
            _ => None,
        });
        let failure = db::connect(&config.unwrap()).await.err().unwrap();
        let text = causes(&failure);
        assert!(matches!(failure, Failure::Refused(_)), "{text}");
        assert!(
            text.contains("DATABASE_CA") && !text.contains("secret-word"),
            "{text}"
        );
    }
}

/// Signs with one word after the other.
struct Words(Arc<AtomicUsize>);

impl Keeper for Words {
    fn store(&self, _: &str) -> Box<dyn Store> {
        panic!("a token needs no secret")
    }

    fn signer(&self) -> Box<dyn Signer> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

impl Signer for Words {
    fn token<'a>(&'a self, host: &'a str, port: u16, user: &'a str) -> Fetching<'a> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(format!("{user}@{host}:{port}/{number}")) })
    }
}

/// As with IAM: the password is a token, over TLS, and each new connection has its own.
#[tokio::test]
async fn each_connection_comes_with_a_token_of_its_own() {
    let cluster = server(Some("good"));
    let port = cluster.port();
    let give = |number: usize| {
        let token = format!("clerk@localhost:{port}/{number}");
        cluster.execute("postgres", &format!("alter role clerk password '{token}'"))
    };
    cluster
        .execute("postgres", "create role clerk login")
        .unwrap();
    give(0).unwrap();
    let signed = Arc::<AtomicUsize>::default();
    let variable = |name: &str| match name {
        "DATABASE_AUTH" => Some("iam".to_owned()),
        "DATABASE_HOST" => Some("localhost".to_owned()),
        "DATABASE_PORT" => Some(port.to_string()),
        "DATABASE_NAME" => Some("postgres".to_owned()),
        "DATABASE_USER" => Some("clerk".to_owned()),
        "DATABASE_CA_FILE" => Some(FILES.path("ours.pem").display().to_string()),
        _ => None,
    };
    let keeper = Words(Arc::clone(&signed));
    let config = DatabaseConfig::parse_with("test", variable, Some(&keeper)).unwrap();
    let pool = Database::new(&config).unwrap();
    let who = "select current_user::text, version from pg_stat_ssl where pid = pg_backend_pid()";
    for _ in 0..3 {
        let row = pool.call_one(who, &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "clerk");
        assert!(row.get::<_, String>(1).starts_with("TLSv1."));
    }
    assert_eq!(signed.load(Ordering::Relaxed), 1);
    give(1).unwrap();
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'clerk'";
    cluster.execute("postgres", end).unwrap();
    pool.call_one(who, &[]).await.unwrap();
    assert_eq!(signed.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    // The certificate is for localhost; the address is another name of the same machine.
    assert_refused(&GOOD, "127.0.0.1", "ours.pem", &REMEDY).await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    assert_refused(
        &server(Some("expired")),
        "localhost",
        "ours.pem",
        &["expired"],
    )
    .await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let words = ["does not support TLS", "DATABASE_TLS"];
    assert_refused(&server(None), "localhost", "ours.pem", &words).await;
}

#[tokio::test]
async fn a_file_without_authorities_is_named() {
    for (file, word) in [
        ("empty.pem", "no certificate"),
        ("missing.pem", "No such file"),
    ] {
        let config = config(&GOOD, "localhost", &FILES.path(file));
        let error = Database::new(&config).err().unwrap().to_string();
        assert!(
            error.contains("DATABASE_CA_FILE") && error.contains(file),
            "{error}"
        );
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn plaintext_to_another_host_is_refused_before_anything_is_sent() {
    for host in [
        "db.example.com",
        "10.0.0.1",
        "localhost.example.com",
        "0.0.0.0",
    ] {
        let url = format!("postgresql://u:secret-word@{host}/d");
        let variable = |name: &str| match name {
            "DATABASE_URL" => Some(url.clone()),
            "DATABASE_TLS" => Some("off".to_owned()),
            _ => None,
        };
        let error = DatabaseConfig::parse("test", variable)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("DATABASE_TLS") && !error.contains("secret-word"),
            "{error}"
        );
    }
}

/// If the server accepts TLS only, the client never sends a password in plaintext.
#[tokio::test]
async fn plaintext_to_a_server_that_wants_tls_fails_clearly() {
    let url = GOOD.tcp_url("127.0.0.1", SUPERUSER, "secret-word", "postgres");
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.clone()),
        "DATABASE_TLS" => Some("off".to_owned()),
        _ => None,
    };
    let config = DatabaseConfig::parse("test", variable).unwrap();
    let failure = db::connect(&config).await.err().unwrap();
    let text = causes(&failure);
    assert!(
        text.contains("no encryption") || text.contains("SSL off"),
        "{text}"
    );
}
