#!/usr/bin/env python3
"""Moves core's flat package into packages, and rewrites every reference. Run at the root of a checkout."""
import os,re,subprocess,sys
MAP={}
def put(p,names):
    for n in names.split(): MAP[n]=p
put('io.gyre','World Member Chunk ElementType ReduceOp GyreException PeerLostException PeerTimeoutException DisagreementException ProtocolException')
put('io.gyre.memory','Region MemoryBox PrivateBox MemoryBoxes')
put('io.gyre.network','Endpoint Activity Backoff Patience Verdicts Frame FrameReceiver FrameSender GroupEndpoint GroupBoxes OpenBoxes Collective')
put('io.gyre.session','Session GroupSession Agreement Groups SharedCounter')
put('io.gyre.training','UpdateStrategy Synchronous Asynchronous ElasticAveraging Hybrid StepReport StepSummary TrainableModel Bucket BucketPlan ParameterStore SharedVector Spread GroupStore GroupVector')
put('io.gyre.local','Gyre LocalCluster InProcessBoxes InProcessEndpoint InProcessLink InProcessNetwork InProcessSession')
main='core/src/main/java/io/gyre'; test='core/src/test/java/io/gyre'
flat=[f[:-5] for f in os.listdir(main) if f.endswith('.java') and f!='package-info.java']
missing=[n for n in flat if n not in MAP]
if missing: sys.exit(f'unmapped: {missing}')
def sh(*a): subprocess.check_call(a)
def strip(s):
    s=re.sub(r'"""(?s:.*?)"""','""',s)
    return re.sub(r'"(\\.|[^"\\\n])*"','""',s)
# nested types of flat classes are reached through them
moved={}
for d in (main,test):
    for f in sorted(os.listdir(d)):
        if not f.endswith('.java') or f=='package-info.java': continue
        n=f[:-5]
        if d==test:
            base=n[:-4] if n.endswith('Test') else n
            p=MAP.get(base,'io.gyre.local')
        else: p=MAP[n]
        if p=='io.gyre': moved[os.path.join(d,f)]=(os.path.join(d,f),p); continue
        nd=os.path.join(d,p[len('io.gyre.'):].replace('.','/')); os.makedirs(nd,exist_ok=True)
        sh('git','mv',os.path.join(d,f),os.path.join(nd,f)); moved[os.path.join(d,f)]=(os.path.join(nd,f),p)
flatfiles={new for new,_ in moved.values()}
for path in subprocess.check_output(['git','ls-files','*.java'],text=True).split():
    s=open(path).read(); o=s
    wasflat=path in flatfiles
    if wasflat:
        p=next(p for new,p in moved.values() if new==path)
        s=re.sub(r'^package io\.gyre;',f'package {p};',s,flags=re.M)
    pkg=re.search(r'^package ([\w.]+);',s,re.M); pkg=pkg.group(1) if pkg else ''
    def q(m):
        n=m.group(1)
        return f'{MAP[n]}.{n}' if n in MAP else m.group(0)
    s=re.sub(r'\bio\.gyre\.([A-Z]\w*)\b',q,s)
    if wasflat or pkg.startswith('io.gyre') and False:
        body=strip(s)
        need=[n for n in MAP if MAP[n]!=pkg and re.search(r'\b%s\b'%n,body) and f'import {MAP[n]}.{n};' not in s and os.path.basename(path)!=n+'.java']
        if need:
            s=re.sub(r'^(package [\w.]+;\n)',lambda m:m.group(1)+'\n'+''.join(f'import {MAP[n]}.{n};\n' for n in sorted(need)),s,count=1,flags=re.M)
    # imports that became same-package are dropped
    s=re.sub(r'^import %s\.([A-Z]\w*);\n'%re.escape(pkg),'',s,flags=re.M)
    if s!=o: open(path,'w').write(s)
