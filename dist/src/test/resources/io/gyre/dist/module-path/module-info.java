module app {
    requires io.gyre;
    requires io.gyre.allreduce;
    requires io.gyre.paramserver;
    requires io.gyre.transport;
}
