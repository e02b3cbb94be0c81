package io.gyre.paramserver;

import io.gyre.LocalCluster;

class InProcessSoftMemoryBoxTest extends SoftMemoryBoxContract {

    @Override
    LocalCluster.Network network() {
        return LocalCluster.Network.inProcess();
    }
}
