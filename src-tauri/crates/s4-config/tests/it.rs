//! What `s4-config` promises, on real files and a real keyring.

#[cfg(test)]
mod it {
    mod apart;
    mod config;
    mod credentials;
    mod endpoint;
    mod file;
    mod locations;
    #[cfg(target_os = "linux")]
    mod secret_service;
    #[cfg(target_os = "linux")]
    mod session;
    mod settings;
    mod uri;
}
