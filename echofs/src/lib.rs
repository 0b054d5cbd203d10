//! EchoFS.
