package io.gyre.paramserver;

import io.gyre.local.LocalCluster;

class InProcessSoftMemoryBoxTest extends SoftMemoryBoxContract {

    @Override
    LocalCluster.Network network() {
        return LocalCluster.Network.inProcess();
    }
}
