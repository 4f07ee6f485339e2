# node examples/worker/build.js worker.built.js, then in its folder: TABLES_URL=https://… workerd serve config.capnp
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "datastore", worker = .datastore ),
    # The document with the tables may stand anywhere, also on this machine.
    ( name = "internet", network = ( allow = ["public", "private"], tlsOptions = ( trustBrowserCas = true ) ) ),
  ],
  sockets = [ ( name = "http", address = "127.0.0.1:8000", http = (), service = "datastore" ) ],
);

const datastore :Workerd.Worker = (
  modules = [ ( name = "worker", esModule = embed "worker.built.js" ) ],
  compatibilityDate = "2026-01-01",
  bindings = [
    ( name = "TABLES_URL", fromEnvironment = "TABLES_URL" ),
    ( name = "TABLES_TOKEN", fromEnvironment = "TABLES_TOKEN" ),
  ],
);
