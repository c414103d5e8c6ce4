import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** A class that only the Java half of a group knows, with most of what such classes hold. */
public class Basket implements Serializable {
    private static final long serialVersionUID = 7L;

    enum Size { SMALL, LARGE }

    private final String owner;
    private final BigDecimal total;
    private final Size size = Size.LARGE;
    private final int[] quantities = {2, 1};
    private final List<Basket> gifts = new ArrayList<>();
    private final Basket self = this;

    Basket(String owner, String total) {
        this.owner = owner;
        this.total = new BigDecimal(total);
    }

    Basket with(Basket gift) {
        gifts.add(gift);
        return this;
    }

    @Override
    public String toString() {
        return owner + " " + total + " " + size + " " + java.util.Arrays.toString(quantities) + " " + gifts + " " + (self == this);
    }
}
