#!/usr/bin/env bash
set -euo pipefail
python3 ./repackage.py
sed -i 's/^    Region share()/    public Region share()/' core/src/main/java/io/gyre/memory/Region.java
grep -n 'share()' core/src/main/java/io/gyre/memory/Region.java
# devices: a module of their own
mkdir -p device/src/main/java/io/gyre
git mv core/src/main/java/io/gyre/device device/src/main/java/io/gyre/device
cat > device/pom.xml <<'P'
<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 https://maven.apache.org/xsd/maven-4.0.0.xsd">
  <modelVersion>4.0.0</modelVersion>

  <parent>
    <groupId>io.gyre</groupId>
    <artifactId>gyre-parent</artifactId>
    <version>0.1.0-SNAPSHOT</version>
  </parent>

  <artifactId>gyre-device</artifactId>
  <name>Gyre device</name>
  <description>Gradients on accelerators: devices, streams, buffers, and their exchange with the host.</description>

  <properties>
    <module.name>io.gyre.device</module.name>
    <argLine /><!-- the tests prove that it needs no flag -->
  </properties>

  <dependencies>
    <dependency>
      <groupId>io.gyre</groupId>
      <artifactId>gyre-core</artifactId>
    </dependency>
  </dependencies>
</project>
P
git add device
# the module that sums by OpenBLAS is named by that
git mv kernels openblas
mkdir -p openblas/src/main/java/io/gyre openblas/src/test/java/io/gyre
git mv openblas/src/main/java/io/gyre/kernels openblas/src/main/java/io/gyre/openblas
git mv openblas/src/test/java/io/gyre/kernels openblas/src/test/java/io/gyre/openblas
git ls-files '*.java' '*.xml' '*.md' '*.sh' | xargs sed -i 's/io\.gyre\.kernels/io.gyre.openblas/g; s/io\\\\\.gyre\\\\\.kernels/io\\\\.gyre\\\\.openblas/g; s/gyre-kernels/gyre-openblas/g'
python3 - <<'P'
import re
def edit(p,f):
    s=open(p).read(); n=f(s); assert n!=s,p; open(p,'w').write(n)
edit('pom.xml',lambda s:s.replace('<module>testkit</module>\n    <module>kernels</module>','<module>device</module>\n    <module>testkit</module>\n    <module>openblas</module>')
  .replace('''        <artifactId>gyre-core</artifactId>
        <version>${project.version}</version>
      </dependency>
''','''        <artifactId>gyre-core</artifactId>
        <version>${project.version}</version>
      </dependency>
      <dependency>
        <groupId>io.gyre</groupId>
        <artifactId>gyre-device</artifactId>
        <version>${project.version}</version>
      </dependency>
''',1))
core='''    <dependency>
      <groupId>io.gyre</groupId>
      <artifactId>gyre-core</artifactId>
    </dependency>
'''
for m in ['testkit','cuda','dl4j','launcher']:
    edit(m+'/pom.xml',lambda s:s.replace(core,core+core.replace('core','device'),1))
edit('openblas/pom.xml',lambda s:s.replace('<name>Gyre kernels</name>','<name>Gyre OpenBLAS</name>'))
P
