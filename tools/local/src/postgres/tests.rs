//! A cluster starts, survives a crash, and leaves nothing behind.

use std::io::{BufRead, BufReader, Read};

use super::*;

const GONE_WITHIN: Duration = Duration::from_secs(20);

fn is_alive(pid: u32) -> bool {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), None).is_ok()
}

#[test]
fn a_cluster_starts_survives_a_crash_and_leaves_nothing() {
    let cluster = Cluster::start(ClusterOptions::default()).unwrap();
    let table = "create table survivors (id int); insert into survivors values (1)";
    cluster.execute("postgres", table).unwrap();
    cluster.crash_and_restart().unwrap();
    let check = "do $$ begin assert (select count(*) from survivors) = 1; end $$";
    cluster.execute("postgres", check).unwrap();
    let pid = cluster.postmaster_pid().unwrap();
    let folder = cluster.folder().to_path_buf();
    cluster.stop();
    assert!(!is_alive(pid));
    assert!(!folder.exists());
}

/// The test runs itself again in another process, where this variable makes it hold a cluster.
const HOLDER: &str = "HOLDFAST_TEST_HOLDS_A_CLUSTER";

#[test]
fn a_cluster_goes_when_its_process_is_killed() {
    if std::env::var_os(HOLDER).is_some() {
        return hold_a_cluster();
    }
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::tests::a_cluster_goes_when_its_process_is_killed",
            "--nocapture",
        ])
        .env(HOLDER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|line| {
            line.split_once("holds ")
                .map(|(_, folder)| PathBuf::from(folder))
        })
        .expect("the child says which folder it holds");
    let pid: u32 = fs::read_to_string(folder.join("data/postmaster.pid"))
        .unwrap()
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    let deadline = Instant::now() + GONE_WITHIN;
    while (folder.exists() || is_alive(pid)) && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
    assert!(!folder.exists());
    assert!(!is_alive(pid));
}

fn hold_a_cluster() {
    let cluster = Cluster::start(ClusterOptions::default()).unwrap();
    println!("holds {}", cluster.folder().display());
    // Ends only by SIGKILL, or with the test that started us.
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).unwrap();
}
