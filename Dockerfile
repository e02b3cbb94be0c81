# An image whose entry point is gyre. Build it in a checkout: docker build -t gyre .
# A program of yours goes on top: FROM gyre, then COPY app.jar /app/, then the arguments run /app/app.jar.

FROM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /gyre
COPY . .
RUN mvn -q package -Pquick \
    && mkdir /dist \
    && cp samples/target/gyre-samples-*.jar /dist/gyre.jar \
    && cp -r samples/target/lib /dist/lib

FROM eclipse-temurin:17-jre
COPY --from=build /dist /opt/gyre
# What bin/gyre does in a checkout; GYRE_COMMAND is how a stopped run names itself.
RUN printf '%s\n' '#!/bin/sh' 'export GYRE_COMMAND=gyre' \
        'exec java -XX:+IgnoreUnrecognizedVMOptions --add-opens=java.base/jdk.internal.misc=ALL-UNNAMED \' \
        '    --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \' \
        '    -cp /opt/gyre/gyre.jar io.gyre.samples.GyreCommand "$@"' >/usr/local/bin/gyre \
    && chmod +x /usr/local/bin/gyre \
    # Unpacks the native libraries once, 400 MB, instead of in every container.
    && gyre doctor --load
ENTRYPOINT ["gyre"]
