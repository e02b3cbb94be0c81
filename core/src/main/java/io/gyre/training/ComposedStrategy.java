package io.gyre.training;

/** A strategy made of a reduction and an exchange, with a description. */
abstract class ComposedStrategy implements UpdateStrategy {

    private final String name;
    private final String description;
    private final GradientReduction reduction;
    private final ParameterExchange exchange;

    ComposedStrategy(String name, String description, GradientReduction reduction, ParameterExchange exchange) {
        this.name = name;
        this.description = description;
        this.reduction = reduction;
        this.exchange = exchange;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String description() {
        return description;
    }

    @Override
    public final GradientReduction reduction() {
        return reduction;
    }

    @Override
    public final ParameterExchange exchange() {
        return exchange;
    }
}
